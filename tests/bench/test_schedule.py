"""The order of processes, what a failure leaves, and that wrong answers have no timing."""

import json
from dataclasses import replace

import pytest

from phi3v_tui.bench import report
from phi3v_tui.bench.plan import INPUTS, Options, left_out
from phi3v_tui.bench.schedule import bench
from phi3v_tui.errors import ModelError, SettingsError
from tests.bench.canned import CHECKPOINT, Processes

OPTIONS = Options(random="small", repeats=3, threads=2, inputs=("text", "picture", "chat"))


@pytest.fixture
def children(monkeypatch) -> Processes:
    """No child process is started."""
    processes = Processes()
    monkeypatch.setattr("phi3v_tui.bench.processes.run", processes)
    return processes


def run(options: Options = OPTIONS):
    return bench(options, "/cache", lambda doing: None)


def row(results, title: str) -> list[str]:
    """Words of a line of the table, without its title."""
    lines = report.as_table(results).splitlines()
    return next(line for line in lines if title in line).split(title)[1].split()


def test_each_system_has_a_process_for_each_repeat_and_they_take_turns(children):
    results = run()
    assert children.started("measure") == [
        *("ours", "int8", "transformers"),
        *("int8", "transformers", "ours"),
        *("transformers", "ours", "int8"),
    ]
    assert len({one.process for one in results.runs}) == 9


def test_graphs_are_measured_where_there_is_cuda(children, monkeypatch):
    monkeypatch.setitem(CHECKPOINT, "device", "cuda:1")
    run()
    assert children.started("answers") == ["transformers", "ours", "graphs", "int8"]
    run(replace(OPTIONS, systems=("ours",)))
    assert children.started("answers")[4:] == ["ours"]


def test_slots_grow_in_what_is_checked(children):
    run()
    slots = {task["kind"]: task["setup"].get("first_slot") for task in children.tasks[1:]}
    assert slots["answers"] == 512
    assert slots["measure"] is None


def test_all_have_the_same_setup(children):
    run()
    setups = [task["setup"] for task in children.tasks if task["kind"] == "measure"]
    assert all(setup == setups[0] for setup in setups)
    assert setups[0]["threads"] == 2
    assert {task["num_threads"] for task in children.tasks} == {2}


def test_answers_are_checked_in_float32_before_anything_is_timed(children, monkeypatch):
    monkeypatch.setitem(CHECKPOINT, "dtype", "bfloat16")
    run()
    kinds = [task["kind"] for task in children.tasks]
    assert kinds[:5] == ["prepare", "answers", "answers", "answers", "check"]
    assert {task["setup"]["dtype"] for task in children.tasks[1:5]} == {"float32"}
    assert {task["setup"]["dtype"] for task in children.tasks[5:]} == {"bfloat16"}


def test_only_what_is_timed_is_checked(children):
    run(replace(OPTIONS, inputs=("long",)))
    assert [t["names"] for t in children.tasks if t["kind"] == "answers"] == [["switch"]] * 3


def test_a_large_checkpoint_is_checked_by_a_small_one(children, monkeypatch):
    monkeypatch.setitem(CHECKPOINT, "parameters", 4_000_000_000)
    results = run(replace(OPTIONS, random="full"))
    assert results.checked == "random-small"
    folders = {(t["kind"], t["setup"]["folder"]) for t in children.tasks if "setup" in t}
    assert ("answers", "/models/random-small") in folders
    assert ("measure", "/models/random-full") in folders


def test_wrong_answers_have_no_timing(children):
    children.shortfalls = {"ours": 0.002}
    results = run()
    assert row(results, "64 tokens: first token, s") == ["0.5", "wrong", "tokens", "0.5"]
    assert "WRONG: text, turn 1, token 2" in report.as_table(results)
    found = report.as_json(results, [])
    assert "text.first_token_s" not in found["summary"]["ours"]
    assert "text.first_token_s" in found["summary"]["transformers"]
    assert "text.first_token_s" not in found["ours_times_better"]


def test_int8_may_fall_short_of_the_likeliest_token(children):
    children.shortfalls = {"int8": 0.2}
    assert row(run(), "64 tokens: first token, s") == ["0.5", "0.5", "0.5", "1", "x"]


def test_int8_that_is_wrong_somewhere_is_timed_nowhere(children, monkeypatch):
    children.shortfalls = {"int8": 0.2}
    check = children.check

    def wrong_chat(task):
        for verdict in check(task):
            wrong = (verdict["system"], verdict["input"]) == ("int8", "chat")
            yield verdict | ({"shortfall": 0.5} if wrong else {})

    monkeypatch.setattr(children, "check", wrong_chat)
    assert row(run(), "64 tokens: first token, s") == ["0.5", "0.5", "wrong", "tokens", "1", "x"]


def test_what_was_not_checked_has_no_timing(children):
    children.failing = {("check", ""): ModelError("No memory.", "Buy some.")}
    results = run()
    assert row(results, "64 tokens: first token, s") == ["not", "checked"] * 3
    assert "not measured: check: No memory. Buy some." in report.as_table(results)


def test_a_system_that_cannot_be_run_is_left_out_with_its_reason(children):
    children.failing = {("answers", "int8"): ModelError("There is no int8.", "Leave it out.")}
    results = run()
    assert "int8" not in children.started("measure")
    assert "not measured: int8: There is no int8. Leave it out." in report.as_table(results)
    assert row(results, "ready, s") == ["1.5", "1.5", "1", "x"]


def test_a_process_that_fails_leaves_the_others(children):
    children.failing = {("measure", "ours"): ModelError("It took too long.", "Wait.")}
    results = run()
    assert "not measured: ours, repeat 1: It took too long. Wait." in report.as_table(results)
    assert row(results, "ready, s") == ["1.5", "-", "1.5"]


def test_features_that_differ_have_no_timing(children, monkeypatch):
    (event,) = children.vision({})
    assert "0.300 s against 0.500 s: 0.60" in report.as_table(run())
    monkeypatch.setattr(children, "vision", lambda task: [event | {"difference": 0.2}])
    assert "0.300 s" not in report.as_table(run())


def test_the_table_has_no_escapes_and_fits(children):
    table = report.as_table(run())
    assert "\x1b" not in table
    assert max(map(len, table.splitlines())) <= 100


def test_the_json_holds_all(children):
    found = json.loads(json.dumps(report.as_json(run(), ["phi3v-tui", "bench"])))
    assert found.keys() == {
        *("schema", "version", "command", "python", "options", "checkpoint", "checked_on"),
        *("checks", "summary", "ours_times_better", "vision", "left_out", "failures", "runs"),
    }
    assert found["schema"] == 1
    assert found["summary"]["ours"]["ready_s"] == {"median": 1.5, "low": 1.5, "high": 1.5}
    assert found["ours_times_better"]["ready_s"] == 1.0
    assert [one["repeat"] for one in found["runs"]] == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert found["runs"][0]["conversations"]["chat"][4]["prompt_tokens"] == 500
    assert all(check["right"] for check in found["checks"])


def test_what_does_not_fit_is_left_out_with_its_reason():
    every = replace(OPTIONS, inputs=None)
    assert left_out(every, CHECKPOINT).keys() == {"long"}
    assert left_out(every, CHECKPOINT | {"device": "cuda:0"}) == {}
    assert left_out(replace(every, inputs=tuple(INPUTS)), CHECKPOINT) == {}
    assert "4,096" in left_out(every, CHECKPOINT | {"context": 4096})["switch"]
    assert "memory" in left_out(every, CHECKPOINT | {"free_memory": 5000})["chat"]


@pytest.mark.parametrize(
    "wrong",
    [{"random": "tiny"}, {"dtype": "float64"}, {"systems": ("vllm",)}, {"inputs": ("poem",)}],
)
def test_names_that_do_not_exist_are_refused(wrong):
    with pytest.raises(SettingsError, match="It takes"):
        replace(OPTIONS, **wrong)

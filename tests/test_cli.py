"""`phi3v-tui ask`: answers, pipes, and exit statuses; and how the app is entered."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from phi3v_tui import __version__, cli
from phi3v_tui import ask as asking
from phi3v_tui.engine.events import LoadProgress
from tests.support.goldens import IMAGES

PICTURE = str(IMAGES / "rgb_31x47.png")


@pytest.fixture
def ask(tiny_checkpoint_35):
    """Run `ask` on a tiny model."""

    def run(*arguments: str, input: str | None = None):
        flags = ["--model", str(tiny_checkpoint_35), "--device", "cpu", "--max-new-tokens", "6"]
        return CliRunner().invoke(cli.app, ["ask", *flags, *arguments], input=input)

    return run


def python(*arguments: str, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "phi3v_tui", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **options)


def test_the_answer_goes_to_stdout(ask):
    result = ask("What is it?", "-i", PICTURE)
    assert result.exit_code == 0
    assert result.stdout.strip()
    assert result.stdout.endswith("\n")
    assert "cut off" in result.stderr


def test_json_holds_the_answer_and_the_counts(ask):
    plain = ask("What is it?", "-i", PICTURE, "-i", PICTURE)
    result = ask("What is it?", "-i", PICTURE, "--image", PICTURE, "--json")
    answer = json.loads(result.stdout)
    assert answer["answer"] == plain.stdout.rstrip("\n")
    assert answer["question"] == "What is it?"
    assert answer["images"] == [PICTURE, PICTURE]
    assert answer["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 6
    assert answer["timings"].keys() == {"prefill", "decode"}


def test_a_quoted_pattern_takes_what_it_finds(ask, tmp_path):
    for name in ("b.png", "a.png", "notes.txt"):
        Image.new("RGB", (60, 40), "red").save(tmp_path / name, "PNG")
    result = ask("What differs?", "-i", f"{tmp_path}/*.png", "--json")
    assert json.loads(result.stdout)["images"] == [f"{tmp_path}/a.png", f"{tmp_path}/b.png"]


def test_a_page_of_a_document_is_asked_about_by_its_number(ask, tmp_path):
    pages = [Image.new("RGB", (60, 40), colour) for colour in ("red", "lime")]
    pages[0].save(tmp_path / "scan.tif", save_all=True, append_images=pages[1:])
    first = ask("What is it?", "-i", f"{tmp_path}/scan.tif")
    assert "scan.tif has 2 pages; the first one is attached. With #page=2 after" in first.stderr
    second = ask("What is it?", "-i", f"{tmp_path}/scan.tif#page=2", "--json")
    assert "pages" not in second.stderr
    assert json.loads(second.stdout)["images"] == [f"{tmp_path}/scan.tif#page=2"]
    third = ask("What is it?", "-i", f"{tmp_path}/scan.tif#page=3")
    assert (third.exit_code, "has 2 pages, and no page 3." in third.stderr) == (1, True)


@pytest.mark.parametrize("arguments", [[], ["-"]])
def test_the_question_comes_through_a_pipe(ask, arguments):
    result = ask(*arguments, "--json", input="Größe?\n")
    assert json.loads(result.stdout)["question"] == "Größe?"


def test_options_may_come_before_the_command(tiny_checkpoint_35):
    flags = ["--model", str(tiny_checkpoint_35), "--device=cpu", "--max-new-tokens", "3"]
    arguments = [*flags, "--json", "-i", PICTURE, "ask", "What is it?"]
    answer = json.loads(CliRunner().invoke(cli.app, arguments).stdout)
    assert (answer["question"], answer["images"]) == ("What is it?", [PICTURE])
    assert answer["usage"]["completion_tokens"] == 3


def test_an_option_before_the_command_is_read_as_that_command_reads_it(tmp_path):
    """--json takes a file for bench, and nothing for ask."""
    flags = ["--json", str(tmp_path / "no" / "x.json"), "--repeats", "1"]
    result = CliRunner().invoke(cli.app, [*flags, "bench"])
    assert result.exit_code == cli.USAGE
    assert "no folder" in result.stderr


def test_options_of_another_command_are_named():
    result = CliRunner().invoke(cli.app, ["--resume", "ask", "Hi"])
    assert result.exit_code == cli.USAGE
    assert "--resume" in result.stderr


def test_a_log_gets_a_line_now_and_then(capsys):
    clock = iter([0, 10, 31, 40, 62])
    show = asking._log_progress(lambda: next(clock))
    for done in (1, 1, 2, 3):
        show(LoadProgress("Downloading", done * 10**9, 8 * 10**9, 1e8, 60))
    lines = capsys.readouterr().err.splitlines()
    assert [line[:22] for line in lines] == ["Downloading 1.0 of 8.0", "Downloading 3.0 of 8.0"]
    assert "100.0 MB/s · 1 min left" in lines[0]


def test_an_empty_pipe_is_wrong_usage(ask):
    result = ask(input=" \n")
    assert result.exit_code == cli.USAGE
    assert "no question" in result.stderr


def test_the_system_prompt_is_told(ask, monkeypatch):
    plain = json.loads(ask("Hi", "--json").stdout)
    monkeypatch.setenv("PHI3V_TUI_SYSTEM_PROMPT", "You are terse.")
    told = json.loads(ask("Hi", "--json").stdout)
    assert told["usage"]["prompt_tokens"] > plain["usage"]["prompt_tokens"]
    assert told["question"] == "Hi"


def test_flags_reach_the_sampler(ask):
    def answer(*flags: str) -> str:
        return ask("Hi", "--temperature", "1.5", *flags).stdout

    assert answer("--seed", "1") == answer("--seed", "1") != answer("--seed", "2")


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["Hi", "-i", "/no/such.png"], cli.FAILED, "There is no file"),
        (["Hi", "-i", "/no/such*.png"], cli.FAILED, "No file matches /no/such*.png."),
        (["Hi", "-i", str(IMAGES)], cli.FAILED, "is a folder"),
        (["Hi", "-i", str(IMAGES / "rgb_1x6000.png")], cli.FAILED, "nothing would be left"),
        (["Hi", "--model", "no-such-model"], cli.FAILED, "no model folder"),
        (["word " * 400, "--context", "300"], cli.FAILED, "context holds 300"),
        (["Hi", "-i", "http://127.0.0.1:9/a.png"], cli.FAILED, "allow_private_urls"),
        ([" "], cli.USAGE, "Nothing was asked"),
        (["Hi", "--temperature", "9"], cli.USAGE, "temperature cannot be"),
        (["Hi", "--temperature", "hot"], cli.USAGE, "--temperature"),
        (["Hi", "--no-such-flag"], cli.USAGE, "no-such-flag"),
    ],
)
def test_mistakes_are_sentences_on_stderr(ask, arguments, status, sentence):
    result = ask(*arguments)
    assert result.exit_code == status
    assert sentence in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.output


def test_pictures_are_read_before_the_model(ask, monkeypatch):
    loads = "phi3v_tui.engine.local.LocalEngine.load"
    monkeypatch.setattr(loads, lambda *_: pytest.fail("the model was loaded"))
    assert ask("Hi", "-i", "/no/such.png").exit_code == cli.FAILED


class TestApp:
    """How the app is entered; the app itself is replaced."""

    @pytest.fixture(autouse=True)
    def _offered(self):
        self.offered = []

    @pytest.fixture
    def started(self, monkeypatch):
        calls, offered = [], self.offered

        def run(engine, settings, models, pictures, resume) -> int:
            calls.append((settings, pictures, resume))
            offered.append(models.suggested())
            return 0

        monkeypatch.setattr("phi3v_tui.ui.app.run", run)
        monkeypatch.setattr("phi3v_tui.interface.terminal.is_plain", lambda environ: False)
        return calls

    @pytest.mark.parametrize(
        ("arguments", "pictures", "resume"),
        [
            ([], [], False),
            (["a.png", "b.png"], ["a.png", "b.png"], False),
            (["https://example.org/a.png"], ["https://example.org/a.png"], False),
            (["--resume"], [], True),
            (["--model", "demo", "a.png"], ["a.png"], False),
            (["--model", "ask", "a.png"], ["a.png"], False),
            (["--resume", "chat", "a.png"], ["a.png"], True),
            (["--", "ask"], ["ask"], False),
            (["a.png", "ask"], ["a.png", "ask"], False),
            (["chat", "a.png", "--resume"], ["a.png"], True),
        ],
    )
    def test_bare_pictures_open_it(self, started, arguments, pictures, resume):
        result = CliRunner().invoke(cli.app, arguments)
        assert result.exit_code == 0
        ((_, given, resumed),) = started
        assert given == [name if "://" in name else Path(name) for name in pictures]
        assert resumed is resume

    def test_flags_are_settings(self, started):
        CliRunner().invoke(cli.app, ["--model", "demo", "--theme", "nord", "--num-crops", "4"])
        ((settings, _, _),) = started
        assert (settings.model, settings.theme, settings.num_crops) == ("demo", "nord", 4)

    @pytest.mark.parametrize(("model", "is_offered"), [("auto", True), ("demo", False)])
    def test_the_full_model_is_offered_to_who_leaves_the_choice(self, started, model, is_offered):
        CliRunner().invoke(cli.app, ["--model", model])
        (offered,) = self.offered
        assert (offered is not None) is is_offered

    @pytest.mark.parametrize(("arguments", "is_plain"), [(["--plain"], False), ([], True)])
    def test_plain_is_line_by_line(self, started, monkeypatch, arguments, is_plain):
        monkeypatch.setattr("phi3v_tui.interface.terminal.is_plain", lambda environ: is_plain)
        monkeypatch.setattr("phi3v_tui.plain.run.run", lambda *_: 9)
        assert CliRunner().invoke(cli.app, arguments).exit_code == 9
        assert started == []

    def test_a_picture_may_be_named_like_a_command(self, started, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "chart").touch()
        assert CliRunner().invoke(cli.app, ["chart"]).exit_code == 0
        ((_, given, _),) = started
        assert given == [Path("chart")]

    def test_its_status_is_the_status(self, monkeypatch):
        monkeypatch.setattr("phi3v_tui.ui.app.run", lambda *_: 7)
        monkeypatch.setattr("phi3v_tui.interface.terminal.is_plain", lambda environ: False)
        assert CliRunner().invoke(cli.app, []).exit_code == 7


def test_version_and_help():
    assert CliRunner().invoke(cli.app, ["--version"]).stdout == f"phi3v-tui {__version__}\n"
    shown = CliRunner().invoke(cli.app, ["--help"]).stdout
    assert "ask" in shown
    assert "chat" in shown


@pytest.mark.parametrize("arguments", [["-h"], ["--help"], ["chat", "-h"], ["bench", "--help"]])
def test_help_is_given_in_80_columns(arguments):
    result = CliRunner().invoke(cli.app, arguments, prog_name="phi3v-tui")
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage: phi3v-tui")
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "..." not in result.stdout.partition("Commands:")[2]


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["modles"], "models"),
        (["--model", "demo", "dcotor"], "doctor"),
        (["help"], "--help"),
    ],
)
def test_a_misspelt_command_is_not_taken_for_a_picture(arguments, meant):
    result = CliRunner().invoke(cli.app, arguments)
    assert result.exit_code == cli.USAGE
    assert f"Did you mean {meant}?" in result.stderr


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom phi3v_tui import cli\n"
        "try:\n cli.app(['ask', '--help'])\nexcept SystemExit: pass\n"
        "heavy = ('torch', 'transformers', 'textual', 'numpy', 'huggingface_hub')\n"
        "print([m for m in heavy if m in sys.modules], file=sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stderr.strip() == "[]"


def test_the_process_ends_with_the_status(tiny_checkpoint_35):
    flags = ("--model", str(tiny_checkpoint_35), "--device", "cpu", "--max-new-tokens", "3")
    answered = python("ask", "Hi", *flags)
    (notice,) = answered.stderr.splitlines()
    assert answered.returncode == 0
    assert "cut off; --max-new-tokens" in notice
    assert answered.stdout.strip()


def test_a_full_context_is_told(ask):
    result = ask("Hi", "--context", "256", "--max-new-tokens", "1000")
    assert result.exit_code == 0
    assert "the context is full. --context" in result.stderr


def test_interrupting_ends_with_130(tiny_checkpoint_35):
    flags = ("--model", str(tiny_checkpoint_35), "--device", "cpu", "--max-new-tokens", "100000")
    command = [sys.executable, "-m", "phi3v_tui", "ask", "Go on", *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.read(1)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == cli.INTERRUPTED
    assert b"Traceback" not in stderr


def test_a_disk_that_is_full_is_a_sentence(tiny_checkpoint_35):
    flags = ("--model", str(tiny_checkpoint_35), "--device", "cpu", "--max-new-tokens", "3")
    for form in ((), ("--json",)):
        with open("/dev/full", "w") as full:
            ended = subprocess.run(
                [sys.executable, "-m", "phi3v_tui", "ask", "Hi", *flags, *form],
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                timeout=60,
            )
        assert ended.returncode == cli.FAILED
        assert "The answer cannot be written: No space left" in ended.stderr
        assert "Traceback" not in ended.stderr


def test_a_reader_that_leaves_ends_it_quietly(tiny_checkpoint_35):
    flags = ("--model", str(tiny_checkpoint_35), "--device", "cpu", "--max-new-tokens", "100000")
    command = [sys.executable, "-m", "phi3v_tui", "ask", "Go on", *flags]
    reader, writer = os.pipe()
    with subprocess.Popen(command, stdout=writer, stderr=subprocess.PIPE) as process:
        os.close(writer)
        assert os.read(reader, 1)
        os.close(reader)
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == cli.FAILED
    # A machine that is slow to load says so on stderr before the answer begins.
    assert not re.search(rb"phi3v-tui:|Traceback|Exception|Broken pipe", stderr)


def test_escape_sequences_are_drawn_on_a_terminal_and_handed_on_elsewhere(monkeypatch, capsys):
    for is_terminal, written in ((True, "a␛[2J\n"), (False, "a\x1b[2J\n")):
        monkeypatch.setattr(sys.stdout, "isatty", lambda given=is_terminal: given)
        asking._print("a\x1b[2J\n", quiet=False)
        assert capsys.readouterr().out == written


def test_a_file_that_is_missing_is_named_without_its_escape_sequences(ask):
    result = ask("Hi", "-i", "/no\x1b]0;owned\x07.png")
    assert (result.exit_code, "no␛]0;owned␇.png" in result.stderr) == (cli.FAILED, True)
    assert "\x1b" not in result.stderr


def test_a_fault_ends_with_a_sentence_and_the_log(tmp_path):
    code = "from phi3v_tui.cli import program; program.app = lambda **_: 1 / 0; program.main()"
    environ = os.environ | {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environ, timeout=60
    )
    assert ended.returncode == cli.FAILED
    assert "This is a fault of its own (ZeroDivisionError)" in ended.stderr
    assert "Traceback" not in ended.stderr
    (log,) = tmp_path.rglob("ask.log")
    assert "ZeroDivisionError" in log.read_text()


@pytest.mark.parametrize("closed", ["2>&-", ">&-", "2>/dev/full"])
def test_closed_and_full_streams_are_no_fault(tiny_checkpoint_35, tmp_path, closed):
    flags = f"--model {tiny_checkpoint_35} --device cpu --max-new-tokens 3"
    line = f"exec {sys.executable} -m phi3v_tui ask Hi {flags} {closed}"
    environ = os.environ | {"HOME": str(tmp_path)}
    ended = subprocess.run(
        ["sh", "-c", line], capture_output=True, text=True, env=environ, timeout=60
    )
    assert ended.returncode == 0
    assert "fault" not in ended.stdout + ended.stderr
    assert bool(ended.stdout) is (closed != ">&-")


@pytest.mark.parametrize("arguments", [["ask"], ["--plain"]])
def test_a_closed_input_is_an_empty_one(tmp_path, arguments):
    environ = os.environ | {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    line = f"exec {sys.executable} -m phi3v_tui {' '.join(arguments)} --model demo <&-"
    ended = subprocess.run(
        ["sh", "-c", line], capture_output=True, text=True, env=environ, timeout=60
    )
    assert ended.returncode == (cli.USAGE if "ask" in arguments else 0)
    assert "Traceback" not in ended.stderr

"""How typed commands are read, and what stays a prompt."""

import pytest

from phi3v_tui import slash
from phi3v_tui.errors import CommandError


def called(text):
    call = slash.read(text)
    return call and (call.command.name, call.argument)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/new", ("new", "")),
        ("  /NEW  ", ("new", "")),
        ("/attach my shapes.png", ("attach", "my shapes.png")),
        ("/system Be brief.\nAnswer in German.", ("system", "Be brief.\nAnswer in German.")),
        ("/set temperature 0.4", ("set", "temperature 0.4")),
        ("/save", ("save", "")),
    ],
)
def test_commands_are_read_with_what_follows(text, expected):
    assert called(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "What is / for?",
        "/",
        "/ is the root",
        "/home/me/chart.png",
        "/chart.png",
        "/1 of them",
        "//new",
        "/tmp",
        "/tmp fills up, why?",
        "",
    ],
)
def test_a_prompt_that_begins_with_a_slash_is_a_prompt(text):
    assert slash.read(text) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("/nwe", "Did you mean /new?"),
        ("/halp me", "Did you mean /help?"),
        ("/xyzzy", "/help lists them"),
        ("/xyzzy", "begin it with //xyzzy"),
        ("/attach", "/attach needs PATH"),
        ("/new one", "/new takes nothing"),
    ],
)
def test_mistakes_are_told_with_a_way_out(text, said):
    with pytest.raises(CommandError, match=said.replace("?", r"\?")):
        slash.read(text)


def test_a_path_with_a_space_in_its_first_name_is_a_prompt(monkeypatch):
    monkeypatch.setattr(slash.os.path, "lexists", lambda path: path == "/My Pictures/a.png")
    assert slash.read("/My Pictures/a.png") is None
    with pytest.raises(CommandError):
        slash.read("/My Pictures/b.png")


def test_two_slashes_stand_for_one():
    assert slash.as_prompt("//new is what?") == "/new is what?"
    assert slash.as_prompt("/ is the root") == "/ is the root"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("/re", ["resume", "retry"]),
        ("/SAV", ["save"]),
        ("/save chart", ["save"]),
        ("/sav chart", []),
        ("say /re", []),
        ("/re\n", []),
    ],
)
def test_what_a_beginning_can_become(text, names):
    assert [command.name for command in slash.matching(text)] == names


def test_all_of_the_table_can_be_begun_and_read():
    assert slash.matching("/") == list(slash.COMMANDS)
    for command in slash.COMMANDS:
        assert called(f"/{command.name} x" if command.arguments else f"/{command.name}")


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("top-p=0.5", ("top-p", "0.5")),
        ("seed = 3", ("seed", "3")),
        ("system_prompt If x=5 then\ny=3", ("system_prompt", "If x=5 then\ny=3")),
    ],
)
def test_only_the_first_mark_parts_name_and_value(argument, expected):
    assert slash.name_and_value(argument) == expected


@pytest.mark.parametrize("argument", ["seed", "seed =", "= 3"])
def test_a_name_without_a_value_is_refused(argument):
    with pytest.raises(CommandError, match="needs a value"):
        slash.name_and_value(argument)

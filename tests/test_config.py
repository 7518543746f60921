"""`phi3v-tui config`, and the file that it writes."""

import stat
import tomllib
from dataclasses import asdict

import pytest
from typer.testing import CliRunner

from phi3v_tui import cli, config_file
from phi3v_tui.settings import Settings, default_config_path, load_settings
from phi3v_tui.settings_table import TABLE


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in ("VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)
    return default_config_path()


def run(*arguments):
    return CliRunner().invoke(cli.app, ["config", *arguments])


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


@pytest.fixture
def editor(tmp_path, monkeypatch):
    """An editor that appends a line."""

    def editor(line):
        script = tmp_path / "my editor"
        script.write_text(f"#!/bin/sh\nprintf '%s\\n' '{line}' >> \"$2\"\n")
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("EDITOR", f"'{script}' --wait")

    return editor


def test_path_is_where_the_file_is_looked_for(config):
    assert run("--path").stdout == f"{config}\n"


def test_init_writes_every_setting_as_a_comment(config):
    assert run("--init").exit_code == 0
    text = config.read_text("utf-8")
    assert tomllib.loads(text) == {}
    for name, setting in TABLE.items():
        assert f"# {name} = " in text
        assert setting.help in " ".join(text.replace("\n# ", " ").split())


def test_the_written_file_says_what_holds_without_it(config):
    text = config_file.template(asdict(Settings()))
    uncommented = "\n".join(
        line.removeprefix("# ")
        for line in text.splitlines()
        if line.removeprefix("# ").split(" = ")[0] in TABLE
    )
    write(config, uncommented)
    defaults = asdict(Settings())
    given = asdict(load_settings({}, {}, config))
    assert {n: v for n, v in given.items() if defaults[n] is not None} == {
        n: v for n, v in defaults.items() if v is not None
    }


def test_init_leaves_a_file_that_is_there(config):
    write(config, "seed = 3")
    result = run("--init")
    assert result.exit_code == cli.USAGE
    assert "is there already" in result.stderr
    assert config.read_text() == "seed = 3"


def test_check_names_every_mistake_with_its_line(config):
    write(config, '# mine\n\nseed = 3\ntemprature = 1\n"top_p" = 3\ntheme = "nrod"\n')
    result = run("--check")
    assert result.exit_code == 1
    assert f"temprature ({config}, line 4). Did you mean temperature?" in result.stderr
    assert f"top_p cannot be 3 ({config}, line 5)" in result.stderr
    assert f"There is no theme nrod ({config}). Did you mean nord?" in result.stderr
    assert "seed" not in result.stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('device = "gpu"', "device cannot be 'gpu'"),
        ('model = ""', "model cannot be ''"),
        ('data_dir = ""', "data_dir cannot be ''"),
        ("temperature = 0,4", "numbers with a point"),
        ('model = "demo"\nmodel = "auto"', "Write each setting once"),
        ('[settings]\nmodel = "demo"', "There are no settings under [settings]"),
        ("[prompts]\nInvoice = 3", "It takes a table of texts by name."),
    ],
)
def test_check_says_what_to_do_about_a_mistake(config, text, told):
    write(config, text)
    result = run("--check")
    assert result.exit_code == 1
    assert told in result.stderr


def test_check_of_another_encoding_says_so(config):
    write(config, "")
    config.write_bytes('system_prompt = "Größe"'.encode("latin-1"))
    assert "is not text in UTF-8" in run("--check").stderr


def test_check_names_the_line_of_broken_toml(config):
    write(config, "seed = 3\nmodel = demo\n")
    result = run("--check")
    assert result.exit_code == 1
    assert "line 2" in result.stderr


@pytest.mark.parametrize("text", ["", 'seed = 3\ntheme = "nord"\n', 'theme = "auto"'])
def test_check_is_content_with_what_is_right(config, text):
    write(config, text)
    result = run("--check")
    assert (result.exit_code, result.stderr) == (0, "")
    assert str(config) in result.stdout


def test_only_one_thing_is_done_at_a_time(config):
    result = run("--path", "--check")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Choose one of --path" in result.stderr


def test_check_without_a_file_is_right(config):
    assert run("--check").exit_code == 0


def test_edit_writes_the_file_first_opens_it_and_checks(config, editor):
    editor("seed = 3")
    result = run("--edit")
    assert result.exit_code == 0, result.stderr
    assert load_settings({}, {}, config).seed == 3
    assert "# temperature" in config.read_text()


def test_edit_tells_mistakes_afterwards(config, editor):
    editor("sead = 3")
    result = run("--edit")
    assert result.exit_code == 1
    assert "Did you mean seed?" in result.stderr


def test_edit_without_an_editor_says_how_to_name_one(config, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    result = run("--edit")
    assert result.exit_code == cli.USAGE
    assert "Set EDITOR" in result.stderr
    monkeypatch.setenv("EDITOR", "/no/such/editor")
    assert "/no/such/editor cannot be started" in run("--edit").stderr


def test_without_a_wish_it_shows_what_holds(config, monkeypatch):
    write(config, "seed = 3")
    monkeypatch.setenv("PHI3V_TUI_TEMPERATURE", "0.5")
    shown = run().stdout
    assert "seed = 3" in shown
    assert "temperature = 0.5" in shown
    assert "context = (unset)" in shown

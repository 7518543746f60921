"""Where settings come from, which one wins, and what is said of those that make no sense."""

from dataclasses import fields
from pathlib import Path

import pytest

from phi3v_tui.conversation.sampling import SamplingParams
from phi3v_tui.errors import SettingsError
from phi3v_tui.settings import Settings, changed, default_config_path, load_settings
from phi3v_tui.settings_table import TABLE


@pytest.fixture
def config(tmp_path):
    return tmp_path / "config.toml"


@pytest.fixture
def load(config):
    """Settings of a machine with nothing on it but what the test gives."""

    def load(overrides=None, environ=None, toml=None):
        if toml is not None:
            config.write_text(toml, "utf-8")
        return load_settings(overrides or {}, environ or {}, config)

    return load


def test_without_anything_the_defaults_hold(load):
    assert load() == Settings()
    assert load().sampling == SamplingParams()


def test_every_setting_can_be_given_in_the_file(load):
    settings = load(
        toml="""
        model = "demo"
        device = "cuda:1"
        quantize = "int4"
        context = 4096
        num_crops = 4
        temperature = 1
        top_p = 0.9
        seed = 7
        max_new_tokens = 50
        system_prompt = "Sei kürzer."
        theme = "nord"
        image_mode = "sixel"
        slow_link = true
        data_dir = "/chats"
        cuda_graphs = true
        allow_private_urls = true
        idle_unload = 10
        [prompts]
        Bill = "List it."
        """
    )
    assert settings == Settings(
        "demo", "cuda:1", "int4", 4096, 4, 1.0, 0.9, 7, 50, "Sei kürzer.", "nord", "sixel", True,
        Path("/chats"), True, True, 10.0, {"Bill": "List it."},
    )  # fmt: skip
    assert isinstance(settings.temperature, float)
    assert settings.sampling == SamplingParams(1.0, 0.9, 7, 50)
    assert settings.history_path == Path("/chats/history.sqlite3")


def test_every_setting_can_be_given_in_the_environment(load):
    given = {
        "model": "demo", "device": "cpu", "quantize": "int8", "context": 4096, "num_crops": 4,
        "temperature": 0.5, "top_p": 0.9, "seed": 7, "max_new_tokens": 50,
        "system_prompt": "Be brief.",
        "theme": "nord", "image_mode": "none", "data_dir": Path("/chats"),
        "cuda_graphs": True, "allow_private_urls": True, "idle_unload": 0.5, "slow_link": True,
    }  # fmt: skip
    environ = {f"PHI3V_TUI_{name.upper()}": str(value) for name, value in given.items()}
    given["prompts"] = {"Bill": "List it."}
    environ["PHI3V_TUI_PROMPTS"] = '{ Bill = "List it." }'
    assert set(given) == {field.name for field in fields(Settings)}

    assert load(environ=environ | {"HOME": "/home/ann"}) == Settings(**given)


def test_flags_beat_the_environment_beats_the_file(load):
    toml = 'model = "file"\ntheme = "file"\nsystem_prompt = "file"'
    environ = {"PHI3V_TUI_MODEL": "environment", "PHI3V_TUI_THEME": "environment"}
    settings = load({"model": "flag", "theme": None}, environ, toml)
    assert (settings.model, settings.theme) == ("flag", "environment")
    assert settings.system_prompt == "file"


def test_an_empty_variable_is_as_good_as_none(load):
    assert load(environ={"PHI3V_TUI_SEED": ""}).seed is None


def test_flags_may_give_paths(load):
    assert load({"data_dir": Path("/chats")}).data_dir == Path("/chats")


def test_the_home_folder_is_understood(load, monkeypatch):
    monkeypatch.setenv("HOME", "/home/ann")
    assert load(toml='data_dir = "~/chats"').data_dir == Path("/home/ann/chats")


def test_the_usual_places_are_the_platforms(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert default_config_path() == tmp_path / "config" / "phi3v-tui" / "config.toml"

    default_config_path().parent.mkdir(parents=True)
    default_config_path().write_text("seed = 3")
    settings = load_settings(environ={})

    assert settings.seed == 3
    assert settings.data_dir == tmp_path / "data" / "phi3v-tui"


@pytest.mark.parametrize(
    ("toml", "value", "allowed"),
    [
        ('context = "8k"', "'8k'", "a whole number of tokens, 256 or more"),
        ("context = 10", "10", "256 or more"),
        ("num_crops = 0", "0", "from 1 to 16"),
        ("num_crops = 2.5", "2.5", "a whole number"),
        ("seed = true", "True", "a whole number from 0"),
        ("seed = -1", "-1", "from 0 to 2^63 - 1"),
        ('temperature = "hot"', "'hot'", "a number from 0 to 2"),
        ("temperature = 2.1", "2.1", "from 0 to 2"),
        ("temperature = nan", "nan", "from 0 to 2"),
        ("top_p = 0", "0", "above 0, up to 1"),
        ("max_new_tokens = 0", "0", "1 or more"),
        ("model = 3", "3", "text"),
        ('model = ["demo"]', "['demo']", "text"),
        ("theme = 2026-01-01", "2026", "text"),
        ('image_mode = "ansi"', "'ansi'", "auto, kitty, sixel, halfcell, none"),
        ("data_dir = 1", "1", "the path of a folder"),
    ],
)
def test_a_value_that_makes_no_sense_in_the_file(load, config, toml, value, allowed):
    with pytest.raises(SettingsError) as caught:
        load(toml=toml)
    error = caught.value
    name = toml.split()[0]
    assert error.title.startswith(f"{name} cannot be ")
    assert value in error.title
    assert str(config) in error.title
    assert allowed in error.remedy


@pytest.mark.parametrize(
    ("variable", "text"),
    [("CONTEXT", "8k"), ("SEED", "1.5"), ("TEMPERATURE", "hot"), ("IMAGE_MODE", "ansi")],
)
def test_a_value_that_makes_no_sense_in_the_environment(load, variable, text):
    with pytest.raises(SettingsError, match=f"'{text}'.*PHI3V_TUI_{variable}"):
        load(environ={f"PHI3V_TUI_{variable}": text})


def test_a_value_that_makes_no_sense_on_the_command_line(load):
    with pytest.raises(SettingsError, match=r"temperature cannot be 3.*command line"):
        load({"temperature": 3})


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("temprature", "Did you mean temperature?"), ("zzz", "Settings are: model")],
)
def test_an_unknown_key(load, config, name, remedy):
    with pytest.raises(SettingsError, match=remedy.replace("?", r"\?")) as in_file:
        load(toml=f"{name} = 1")
    assert str(config) in in_file.value.title
    config.unlink()
    with pytest.raises(SettingsError, match=f"PHI3V_TUI_{name.upper()}"):
        load(environ={f"PHI3V_TUI_{name.upper()}": "1"})


def test_a_file_that_is_no_toml(load, config):
    with pytest.raises(SettingsError, match=r"config\.toml is not valid TOML.*line 1"):
        load(toml="model = demo")
    config.write_bytes(b'model = "\xff"')
    with pytest.raises(SettingsError, match="is not text in UTF-8"):
        load()


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
        load_settings({}, {}, tmp_path)


def test_settings_cannot_be_changed_under_way():
    with pytest.raises(AttributeError):
        Settings().model = "other"


def test_the_list_of_kinds_is_the_list_of_fields():
    assert list(TABLE) == [field.name for field in fields(Settings)]


def test_a_setting_changes_while_the_app_runs():
    settings = changed(Settings(), "top-p", "0.5")
    assert settings == Settings(top_p=0.5)
    assert changed(settings, "top_p", "default") == Settings()
    assert changed(Settings(seed=3), "seed", "default").seed is None


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("temperature", "hot", "a number from 0 to 2"),
        ("temperatur", "1", "Did you mean temperature"),
        ("device", "cpu", "read when the app starts"),
        ("theme", "nord", r"changed with Ctrl\+P"),
        ("bogus", "3", r"^There is no setting bogus. These change at once: (?!.*data_dir)"),
        ("num_crops", "x", r"^num_crops cannot be 'x'\. It takes"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(name, text, said):
    with pytest.raises(SettingsError, match=said):
        changed(Settings(), name, text)


@pytest.mark.parametrize("prompts", ['"Describe"', "{ Bill = 3 }", "{"])
def test_prompts_that_are_no_table_of_texts_are_refused(load, prompts):
    with pytest.raises(SettingsError, match="prompts cannot be"):
        load(environ={"PHI3V_TUI_PROMPTS": prompts})

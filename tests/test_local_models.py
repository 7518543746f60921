"""The models of this machine, as the interface gets them."""

from dataclasses import replace

import pytest
import torch

from phi3v_tui.engine import collect
from phi3v_tui.engine.events import Loaded
from phi3v_tui.engine.local import LocalEngine
from phi3v_tui.engine.models import Listing, ModelChoice
from phi3v_tui.errors import ModelError
from phi3v_tui.local_models import LocalModels
from phi3v_tui.memory import Room
from phi3v_tui.phi3v import devices
from phi3v_tui.settings import Settings
from phi3v_tui.shapes import Quantization

FREE = 8 * 10**9


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(data_dir=tmp_path / "data", device="cpu", context=2048)


@pytest.fixture(autouse=True)
def _machine(monkeypatch):
    """A CPU without bfloat16, with so much memory free."""
    monkeypatch.setattr(devices, "choose_dtype", lambda _: torch.float32)
    monkeypatch.setattr(devices, "room", lambda device, dtype: Room(str(device), FREE, 4))


def engine_for(settings: Settings, before: object = None) -> LocalEngine:
    return LocalEngine(settings.model, settings.device, settings.quantize, settings.context)


def listing(settings: Settings, loaded: Loaded | None = None, named: str = "") -> Listing:
    return LocalModels(settings, engine_for).listing(loaded, named)


def load(settings: Settings) -> Loaded:
    engine = engine_for(settings)
    loaded = collect.load(engine)
    engine.close()
    return loaded


@pytest.mark.parametrize("by", ["settings", "name"])
def test_a_folder_is_listed_where_it_is_named(settings, tiny_checkpoint_35, by):
    if by == "settings":
        found = listing(replace(settings, model=str(tiny_checkpoint_35)))
    else:
        found = listing(settings, named=str(tiny_checkpoint_35))
    assert found.find(str(tiny_checkpoint_35)).folder == tiny_checkpoint_35
    assert found.find("demo").is_bundled
    assert found.in_use == ""


def test_a_folder_that_was_used_is_listed_until_it_is_gone(settings, tiny_checkpoint_35, tmp_path):
    models = LocalModels(settings, engine_for)
    link = tmp_path / "mine"
    link.symlink_to(tiny_checkpoint_35)
    models.remember(load(replace(settings, model=str(link))))
    models.remember(load(replace(settings, model="demo")))
    assert listing(settings).models[-1].name == str(link)
    link.unlink()
    assert str(link) not in [model.name for model in listing(settings).models]


def test_the_one_in_use_is_marked_and_its_memory_counts_as_free(settings, tiny_checkpoint_35):
    loaded = load(replace(settings, model=str(tiny_checkpoint_35)))
    found = listing(settings, loaded)
    assert found.in_use == str(tiny_checkpoint_35)
    assert found.room.free == FREE + loaded.plan.weights + loaded.plan.kv
    assert listing(settings, replace(loaded, plan=None)).room.free == FREE


def test_a_revision_that_is_listed_under_another_name_is_marked_too(settings):
    demo = load(replace(settings, model="demo"))
    assert listing(settings, demo).in_use == "demo"
    assert listing(settings, replace(demo, source="owner/name@tag")).in_use == "demo"


def test_what_is_told_is_what_would_be_loaded(settings, tiny_checkpoint_35):
    found = listing(settings, named=str(tiny_checkpoint_35))
    model = found.find(str(tiny_checkpoint_35))
    for quantize in ("auto", "none", "int8"):
        told = found.outlook(model, quantize)
        plan = load(replace(settings, model=model.name, quantize=quantize)).plan
        assert told.quantization is plan.quantization
        assert told.fits
        assert told.words == f"It fits: {plan}."


def test_what_does_not_fit_says_so(settings):
    found = listing(settings)
    full = found.find("Phi-3.5")
    assert found.outlook(full, "auto").quantization is Quantization.INT4
    too_big = found.outlook(full, "none")
    assert not too_big.fits
    assert too_big.size > FREE
    assert "cpu has 8.0 GB free" in too_big.words


def test_a_device_that_is_not_there_is_a_sentence(settings):
    with pytest.raises(ModelError, match="no GPU 7"):
        listing(replace(settings, device="cuda:7"))


def test_an_engine_is_made_by_the_choice_and_the_settings(settings):
    asked = []
    models = LocalModels(settings, lambda *given: asked.append(given))
    before = LocalEngine("demo")
    models.engine(ModelChoice("/a/folder", "int4"), before)
    ((given, instead_of),) = asked
    assert (given.model, given.quantize, given.context) == ("/a/folder", "int4", 2048)
    assert instead_of is before


def test_only_who_leaves_the_choice_is_offered_a_model(settings):
    assert LocalModels(settings, engine_for).suggested().name.endswith("Phi-3.5-vision-instruct")
    assert LocalModels(replace(settings, model="demo"), engine_for).suggested() is None

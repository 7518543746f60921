"""LocalEngine: loading, what is imported for it, and what it says of the model."""

import gc
import re
import subprocess
import sys
from dataclasses import replace
from types import ModuleType

import pytest

from phi3v_tui.engine import collect
from phi3v_tui.engine.events import Loaded, LoadProgress, PrefillProgress
from phi3v_tui.engine.local import LocalEngine
from phi3v_tui.errors import ModelError
from phi3v_tui.phi3v.checkpoint import Checkpoint
from tests.engine.steps import Events, asking


def test_loading_reports_progress_and_ends_with_loaded(tiny_checkpoint_35):
    engine, events = LocalEngine(str(tiny_checkpoint_35), device="cpu"), Events()
    assert engine.limits() is None
    engine.load(events)
    *progress, loaded = events.until_end()
    assert all(isinstance(event, LoadProgress) for event in progress)
    assert progress[-1].total > 0
    assert isinstance(loaded, Loaded)
    assert (loaded.model, loaded.device) == (tiny_checkpoint_35.name, "cpu")
    assert engine.limits().crop_size == 336
    assert events.threads == {"engine"}
    engine.close()


def test_limits_hold_the_context_asked_for(engine):
    assert engine.limits().context_length == 2048
    assert engine.limits().num_crops == 4


def test_what_was_loaded_says_what_asks_for_it_again(engine, tiny_checkpoint_35):
    events = Events()
    engine.load(events)
    *_, loaded = events.until_end()
    assert loaded.source == str(tiny_checkpoint_35)
    assert loaded.folder == tiny_checkpoint_35
    assert loaded.plan.context == 2048


def test_the_bundled_model_says_what_it_is(tiny_checkpoint_35, monkeypatch):
    monkeypatch.setattr("phi3v_tui.phi3v.weights.BUNDLED", tiny_checkpoint_35)
    engine = LocalEngine("auto", device="cpu")
    loaded = collect.load(engine)
    engine.close()
    assert loaded.model == "Demo model"
    assert "phi3v-tui --model microsoft/Phi-3.5-vision-instruct" in loaded.notice


@pytest.mark.parametrize("quantize", ["int8", "int4"])
def test_a_quantised_model_answers_and_says_how_it_lies_in_memory(tiny_checkpoint_35, quantize):
    engine, events = LocalEngine(str(tiny_checkpoint_35), "cpu", quantize, 2048), Events()
    engine.load(events)
    *progress, loaded = events.until_end()
    plan = re.compile(
        rf"{quantize} weights \d+\.\d MB, 2,048 tokens of context \d+\.\d MB, on cpu with "
    )
    assert any(plan.match(event.stage) for event in progress)
    assert plan.match(loaded.notice)
    assert collect.answer(engine, asking("What is it?", "rgb_31x47.png")).text
    engine.close()


def test_a_context_that_does_not_fit_is_refused_before_loading(tiny_checkpoint_35, monkeypatch):
    monkeypatch.setattr("phi3v_tui.phi3v.devices.free_memory", lambda device: 80_000_000)
    engine = LocalEngine(str(tiny_checkpoint_35), "cpu", "none", 100_000)
    with pytest.raises(ModelError, match=r"100,000 tokens .* --quantize \w+ --context \d+"):
        collect.load(engine)
    engine.close()


@pytest.mark.parametrize(("megabytes", "chunk"), [(300, 256), (301, 64)])
def test_a_cpu_reads_less_of_a_prompt_at_once_where_the_model_is_large(
    tiny_checkpoint_35, monkeypatch, megabytes, chunk
):
    sized = replace(Checkpoint(tiny_checkpoint_35, "").shapes, linear=0, other=megabytes * 500_000)
    monkeypatch.setattr(Checkpoint, "shapes", sized)
    engine, events = LocalEngine(str(tiny_checkpoint_35), "cpu", "none", 2048), Events()
    collect.load(engine)
    engine.stream(asking("word " * 600, most=1), events)
    read = [event.done for event in events.until_end() if isinstance(event, PrefillProgress)]
    engine.close()
    assert read[:3] == [0, chunk, 2 * chunk]
    assert len(read) == 1 + -(-read[-1] // chunk)


def test_a_model_that_is_missing_fails_with_a_sentence():
    engine = LocalEngine("no-such-model", device="cpu")
    with pytest.raises(ModelError, match="no model folder"):
        collect.load(engine)
    with pytest.raises(ModelError, match="No model is loaded"):
        collect.answer(engine, asking("Hello"))
    engine.close()


@pytest.mark.parametrize("device", ["quantum", "cuda:99", "meta"])
def test_a_device_that_is_missing_fails_with_a_sentence(tiny_checkpoint_35, device):
    with pytest.raises(ModelError, match=r"device|GPU|Device"):
        collect.load(LocalEngine(str(tiny_checkpoint_35), device=device))


def test_making_an_engine_imports_no_torch():
    code = (
        "import sys; from phi3v_tui.engine.local import LocalEngine; LocalEngine();"
        "print([m for m in ('torch', 'transformers', 'numpy') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_where_torch_cannot_be_imported_a_sentence_says_so():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from phi3v_tui.engine import collect\n"
        "from phi3v_tui.engine.local import LocalEngine\n"
        "from phi3v_tui.errors import ModelError\n"
        "engine = LocalEngine('demo')\n"
        "try: collect.load(engine)\n"
        "except ModelError as error: print(error)\n"
        "engine.close()"
    )
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    assert run.stdout.startswith("The model could not be loaded: ModuleNotFoundError: ")


class Importing(ModuleType):
    """The module with the model, which tells whether garbage was collected while it came."""

    def __init__(self, fails: bool) -> None:
        super().__init__("phi3v_tui.phi3v.chat")
        self.fails = fails
        self.collected = []

    def __getattr__(self, name: str) -> type:
        if name != "ChatModel":
            raise AttributeError(name)
        self.collected.append(gc.isenabled())
        if self.fails:
            raise ImportError("libtorch.so is missing")
        return object  # Something that cannot be loaded.


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("was_enabled", [True, False])
def test_no_garbage_is_collected_while_importing_and_as_before_afterwards(
    monkeypatch, fails, was_enabled
):
    importing = Importing(fails)
    monkeypatch.setitem(sys.modules, "phi3v_tui.phi3v.chat", importing)
    engine = LocalEngine("demo", device="cpu")
    (gc.enable if was_enabled else gc.disable)()
    try:
        with pytest.raises(ModelError, match="libtorch" if fails else "AttributeError"):
            collect.load(engine)
        assert importing.collected == [False]
        assert gc.isenabled() is was_enabled
    finally:
        gc.enable()
        engine.close()


def test_what_the_first_load_imports_is_not_searched_for_garbage_but_models_are_given_back():
    code = (
        "import gc, weakref\n"
        "from phi3v_tui.engine import collect\n"
        "from phi3v_tui.engine.local import LocalEngine\n"
        "for _ in range(2):\n"
        "    engine = LocalEngine('demo', device='cpu')\n"
        "    collect.load(engine)\n"
        "    generator = engine._chat.generator\n"
        "    parts = [weakref.ref(p) for p in (generator, generator.decoder, generator.pictures)]\n"
        "    print(gc.get_freeze_count(), len(gc.get_objects()))\n"
        "    engine.close()\n"
        "    del engine, generator\n"
        "    gc.collect()\n"
        "    assert [part() for part in parts] == [None] * 3\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    first, second = (list(map(int, line.split())) for line in run.stdout.splitlines())
    assert first[0] > 100_000
    assert abs(second[0] - first[0]) < 1000
    assert max(first[1], second[1]) < 100_000

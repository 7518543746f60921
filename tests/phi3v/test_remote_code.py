"""No code of a phi3_v checkpoint runs: not where the caller trusts it, whatever its files name."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from transformers import (
    AutoConfig,
    AutoFeatureExtractor,
    AutoImageProcessor,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    AutoProcessor,
    AutoTokenizer,
    AutoVideoProcessor,
    PreTrainedTokenizerFast,
    pipeline,
)

from phi3v_tui.phi3v import (
    Phi3VConfig,
    Phi3VForCausalLM,
    Phi3VImageProcessor,
    Phi3VProcessor,
)
from tests.support.goldens import MODELS

LOADED_AS = {
    AutoConfig: Phi3VConfig,
    AutoImageProcessor: Phi3VImageProcessor,
    AutoModelForCausalLM: Phi3VForCausalLM,
    AutoProcessor: Phi3VProcessor,
    AutoTokenizer: PreTrainedTokenizerFast,
}
NOT_OURS = (AutoFeatureExtractor, AutoModel, AutoModelForImageTextToText, AutoVideoProcessor)
CLASSES = [*(auto.__name__ for auto in LOADED_AS), *(auto.__name__ for auto in NOT_OURS)]
TRUST = pytest.mark.parametrize("trust", [True, False, None])
HOSTILE = {
    "published": {},
    "unknown": {
        "processor_class": "TrapProcessor",
        "image_processor_type": "TrapImageProcessor",
        "tokenizer_class": "TrapTokenizer",
        "feature_extractor_type": "TrapFeatureExtractor",
    },
    "transformers' own": {
        "processor_class": "CLIPProcessor",
        "image_processor_type": "CLIPImageProcessor",
        "tokenizer_class": "LlamaTokenizer",
        "feature_extractor_type": "CLIPFeatureExtractor",
    },
}


@pytest.fixture(params=HOSTILE)
def trap(checkpoint, tmp_path, request, monkeypatch) -> Path:
    """A checkpoint in which every file names code for everything; all of it is booby-trapped."""
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("asked whether to run code"))
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "m"))
    folder = shutil.copytree(checkpoint(MODELS[1]), tmp_path / "trap")
    code = f"open({str(tmp_path / 'sprung')!r}, 'w').close()\nclass Trap: pass\n"
    published = [f"{part}_phi3_v.py" for part in ("configuration", "modeling", "processing")]
    for name in ("trap.py", "custom_generate/generate.py", *published):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(code)
    if request.param != "published":
        arm(folder, HOSTILE[request.param])
    return folder


def arm(folder: Path, names: dict[str, str]) -> None:
    auto_map = dict.fromkeys(CLASSES, "trap.Trap") | {"AutoTokenizer": ["trap.Trap", "trap.Trap"]}
    pipelines = {"trap": {"impl": "trap.Trap", "pt": ["AutoModelForCausalLM"]}}
    for file in (
        "config.json",
        "preprocessor_config.json",
        "processor_config.json",
        "tokenizer_config.json",
        "video_preprocessor_config.json",
    ):
        path = folder / file
        held = json.loads(path.read_text()) if path.exists() else {}
        held |= names | {"auto_map": auto_map, "custom_pipelines": pipelines}
        path.write_text(json.dumps(held))


@pytest.fixture(autouse=True)
def nothing_sprung(tmp_path):
    yield
    assert not (tmp_path / "sprung").exists()


@TRUST
@pytest.mark.parametrize("auto", LOADED_AS, ids=lambda auto: auto.__name__)
def test_ours_is_loaded(trap, auto, trust):
    assert type(auto.from_pretrained(trap, trust_remote_code=trust)) is LOADED_AS[auto]


@TRUST
@pytest.mark.parametrize("auto", NOT_OURS, ids=lambda auto: auto.__name__)
def test_what_has_no_class_of_ours_is_no_way_in(trap, auto, trust):
    try:
        loaded = auto.from_pretrained(trap, trust_remote_code=trust)
    except (ValueError, OSError, ImportError):
        return
    assert type(loaded).__module__.startswith(("transformers.", "phi3v_tui."))


def test_a_config_object_is_no_way_in(trap):
    config = AutoConfig.from_pretrained(trap, trust_remote_code=True)
    assert (
        type(AutoModelForCausalLM.from_config(config, trust_remote_code=True))
        is LOADED_AS[AutoModelForCausalLM]
    )
    with pytest.raises(ValueError, match="Unrecognized configuration class"):
        AutoModel.from_config(config, trust_remote_code=True)


def test_a_pipeline_is_no_way_in(trap):
    with pytest.raises((KeyError, ValueError, RuntimeError, ImportError)):
        pipeline("trap", model=str(trap), trust_remote_code=True)


def test_generating_is_no_way_in(trap):
    model = Phi3VForCausalLM.from_pretrained(trap, trust_remote_code=True)
    assert model.generate.__func__ is Phi3VForCausalLM.generate
    processor = Phi3VProcessor.from_pretrained(trap, trust_remote_code=True)
    model.generate(**processor("<|user|>\nHi<|end|>\n"), max_new_tokens=1)


def test_pickled_weights_are_not_read(checkpoint, tmp_path):
    folder = shutil.copytree(checkpoint(MODELS[1]), tmp_path / "pickled")
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")
    with pytest.raises(OSError, match=r"model\.safetensors"):
        AutoModelForCausalLM.from_pretrained(folder)


def test_other_models_load_as_ever(tmp_path, checkpoint):
    from transformers import CLIPImageProcessor

    CLIPImageProcessor().save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "clip"}')
    assert isinstance(AutoImageProcessor.from_pretrained(tmp_path), CLIPImageProcessor)

"""Published files load as they are, with the code here and no other."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoConfig,
    AutoImageProcessor,
    AutoModelForCausalLM,
    AutoProcessor,
    AutoTokenizer,
)

from phi3v_tui.phi3v import (
    Phi3VConfig,
    Phi3VForCausalLM,
    Phi3VImageProcessor,
    Phi3VProcessor,
)
from tests.support.goldens import MODELS, read_json
from tests.support.tiny_checkpoint import GOLDEN, digest, weights

TOWER = "model.vision_embed_tokens.img_processor."


@pytest.fixture
def copied(checkpoint, tmp_path):
    """A checkpoint of one's own to change."""
    return shutil.copytree(checkpoint(MODELS[1]), tmp_path / "copied")


@pytest.mark.parametrize("tiny", MODELS, ids=lambda tiny: tiny.name)
def test_tiny_weights_are_those_of_the_goldens(tiny):
    config = json.loads((GOLDEN / "model" / tiny.name / "config.json").read_text())
    assert digest(weights(config, tiny.seed)) == tiny.digest


@pytest.mark.parametrize("tiny", MODELS, ids=lambda tiny: tiny.published)
def test_all_published_keys_and_shapes(tiny):
    """592 keys; all are parameters here but the last tower layer, whose output is never used."""
    index = read_json("checkpoint_index", f"{tiny.published}.json")
    config = AutoConfig.from_pretrained(GOLDEN / "published" / tiny.published)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    ours = {
        name.replace(TOWER, f"{TOWER}vision_model."): list(parameter.shape)
        for name, parameter in model.state_dict().items()
    }
    unused = {name: index["shapes"][name] for name in index["loaded_but_never_used"]}
    assert len(index["shapes"]) == 592
    assert ours | unused == index["shapes"]
    assert not ours.keys() & unused.keys()
    parameters = sum(parameter.numel() for parameter in model.parameters())
    assert parameters == index["total_parameters"] - index["loaded_but_never_used_parameters"]


@pytest.mark.parametrize("tiny", MODELS, ids=lambda tiny: tiny.name)
def test_loads_without_a_key_missing_or_left_over(checkpoint, tiny):
    model, found = Phi3VForCausalLM.from_pretrained(
        checkpoint(tiny), dtype=torch.bfloat16, output_loading_info=True
    )
    assert not any(found.values())
    stored = load_file(checkpoint(tiny) / "model.safetensors")
    for name, parameter in model.state_dict().items():
        assert torch.equal(parameter, stored[name.replace(TOWER, f"{TOWER}vision_model.")]), name
    assert model.model.rotary_emb.inv_freq.dtype == torch.float32


def test_saves_the_published_names(load, checkpoint, tmp_path):
    load(MODELS[1]).save_pretrained(tmp_path)
    saved = load_file(tmp_path / "model.safetensors")
    published = load_file(checkpoint(MODELS[1]) / "model.safetensors")
    left_out = published.keys() - saved.keys()
    assert saved.keys() <= published.keys()
    assert left_out == {n for n in published if "encoder.layers.3." in n or "post_layernorm" in n}
    assert "model.embed_tokens.weight" in saved


def test_word_embeddings_under_their_second_name_alone(load, copied):
    stored = load_file(copied / "model.safetensors")
    words = stored.pop("model.embed_tokens.weight")
    stored["model.vision_embed_tokens.wte.weight"] = words
    save_file(stored, copied / "model.safetensors", metadata={"format": "pt"})
    model, found = Phi3VForCausalLM.from_pretrained(copied, output_loading_info=True)
    assert not any(found.values())
    assert torch.equal(model.model.embed_tokens.weight, words)


def test_auto_classes_find_ours(checkpoint):
    folder = checkpoint(MODELS[0])
    assert type(AutoConfig.from_pretrained(folder)) is Phi3VConfig
    assert type(AutoProcessor.from_pretrained(folder)) is Phi3VProcessor
    assert type(AutoImageProcessor.from_pretrained(folder)) is Phi3VImageProcessor
    assert type(AutoModelForCausalLM.from_pretrained(folder)) is Phi3VForCausalLM


@pytest.mark.parametrize("tiny", MODELS, ids=lambda tiny: tiny.published)
def test_auto_tokenizer_gives_the_published_ids(checkpoint, tiny):
    """transformers' LlamaTokenizer, which the published files name, gives others."""
    tokenizer = AutoTokenizer.from_pretrained(checkpoint(tiny))
    for case in read_json("processor", "processor.json")[tiny.published]["plain_strings"]:
        assert tokenizer(case["text"]).input_ids == case["ids"]


def test_settings_can_be_overridden_when_loading(checkpoint):
    processor = AutoProcessor.from_pretrained(checkpoint(MODELS[0]), num_crops=4)
    assert processor.image_processor.num_crops == 4
    attention = AutoModelForCausalLM.from_pretrained(
        checkpoint(MODELS[0]), _attn_implementation="eager"
    )
    assert attention.config._attn_implementation == "eager"
    tower = attention.model.vision_embed_tokens.img_processor
    assert tower.config._attn_implementation == "eager"


def test_a_saved_processor_loads_again(checkpoint, tmp_path):
    processor = AutoProcessor.from_pretrained(checkpoint(MODELS[0]))
    processor.save_pretrained(tmp_path)
    again = Phi3VProcessor.from_pretrained(tmp_path)
    assert again.image_processor.num_crops == 16
    assert again.tokenizer("</s>\nhi").input_ids == processor.tokenizer("</s>\nhi").input_ids
    assert again.chat_template == processor.chat_template

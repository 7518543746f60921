"""What transformers cannot use as published is mended when a config is read."""

import pytest
from transformers import CLIPVisionConfig

from phi3v_tui.phi3v import Phi3VConfig
from tests.support.goldens import MODELS
from tests.support.tiny_checkpoint import GOLDEN

each_published = pytest.mark.parametrize("published", [tiny.published for tiny in MODELS])


def published_config(name):
    return Phi3VConfig.from_pretrained(GOLDEN / "published" / name)


@each_published
def test_published(published):
    config = published_config(published)
    assert config.rope_parameters["rope_type"] == "longrope"
    assert config.rope_parameters["original_max_position_embeddings"] == 4096
    assert len(config.rope_parameters["short_factor"]) == 48
    assert config._attn_implementation is None
    assert config.sliding_window is None
    assert config.eos_token_id == [32007, 32000, 2]
    assert (config.crop_size, config.tokens_per_side) == (336, 12)


@each_published
def test_the_tower_is_clip_l_336_without_its_last_layer(published):
    tower = published_config(published).tower_config
    assert isinstance(tower, CLIPVisionConfig)
    assert (tower.hidden_size, tower.num_attention_heads, tower.intermediate_size) == (
        1024,
        16,
        4096,
    )
    assert (tower.image_size, tower.patch_size) == (336, 14)
    assert tower.num_hidden_layers == 23
    assert tower.hidden_act == "quick_gelu"


def test_sizes_come_from_vision_config():
    settings = {"hidden_size": 128, "num_attention_heads": 4, "num_hidden_layers": 5}
    settings |= {"intermediate_size": 512, "image_size": 224, "patch_size": 14}
    config = Phi3VConfig(img_processor={"vision_config": settings}, eos_token_id=[5, 6])
    assert (config.crop_size, config.tokens_per_side) == (224, 8)
    assert config.tower_config.num_hidden_layers == 4
    assert config.eos_token_id == [5, 6]
    assert settings["num_hidden_layers"] == 5


def test_a_small_vocabulary_keeps_its_own_stop_token():
    assert Phi3VConfig(vocab_size=300, eos_token_id=2, pad_token_id=0).eos_token_id == 2


@each_published
def test_saving_and_reading_again_changes_nothing(published, tmp_path):
    config = published_config(published)
    config.save_pretrained(tmp_path)
    before, after = config.to_dict(), Phi3VConfig.from_pretrained(tmp_path).to_dict()
    assert before.pop("_name_or_path") != after.pop("_name_or_path")
    assert after == before


@each_published
def test_reading_one_says_nothing(published, caplog, capfd):
    published_config(published)
    assert capfd.readouterr() == ("", "")
    assert not caplog.records

"""Input ids, against 29 conversations, plain strings and a batch for each published model."""

import hashlib

import numpy as np
import pytest
from PIL import Image

from phi3v_tui.errors import ModelError
from phi3v_tui.phi3v import Phi3VProcessor
from tests.support.goldens import IMAGES, MODELS, read_json, unroll

GOLDENS = read_json("processor", "processor.json")
CONVERSATIONS = [
    pytest.param(tiny, case, id=f"{tiny.published}-{case['name']}")
    for tiny in MODELS
    for case in GOLDENS[tiny.published]["conversations"]
]
STRINGS = [
    pytest.param(tiny, case, id=f"{tiny.published}-{case['text']!r}")
    for tiny in MODELS
    for case in GOLDENS[tiny.published]["plain_strings"]
]


@pytest.fixture(scope="module")
def processor(checkpoint):
    loaded = {tiny: Phi3VProcessor.from_pretrained(checkpoint(tiny)) for tiny in MODELS}
    return loaded.__getitem__


def pictures(case):
    return [Image.open(IMAGES / name) for name in case["images"]]


def test_all_cases_are_there():
    assert len(CONVERSATIONS) == 2 * 29
    assert len(STRINGS) == 2 * 22


@pytest.mark.parametrize(("tiny", "case"), CONVERSATIONS)
def test_conversation(processor, tiny, case):
    """Where the reference stops at an assertion, a clear error says what to do."""
    messages, images = case["messages"], pictures(case)
    text = processor(tiny).apply_chat_template(messages, add_generation_prompt=True)
    if "reference_error" in case:
        with pytest.raises(ModelError) as caught:
            processor(tiny)(text, images)
        assert caught.value.remedy
        return
    assert text == case["rendered_text"]
    processed = processor(tiny)(text, images)
    ids = processed["input_ids"].numpy()
    assert ids[0].tolist() == unroll(case["input_ids_rle"])
    assert hashlib.sha256(ids.astype("<i8").tobytes()).hexdigest() == case["input_ids_sha256_int64"]
    assert list(processed.keys()) == case["processor_keys"]
    assert processed["attention_mask"].shape == ids.shape
    assert bool(processed["attention_mask"].all()) == case["attention_mask_all_ones"]
    if images:
        assert list(processed["pixel_values"].shape) == case["pixel_values_shape"]
        assert processed["image_sizes"].tolist() == case["image_sizes"]


@pytest.mark.parametrize(("tiny", "case"), CONVERSATIONS)
def test_chat_template(processor, tiny, case):
    tokenizer = processor(tiny).tokenizer
    render = tokenizer.apply_chat_template
    messages = case["messages"]
    assert render(messages, tokenize=False) == case["rendered_text_no_generation_prompt"]
    ids = render(messages, add_generation_prompt=True)["input_ids"]
    assert ids == case["chat_template_ids"]
    assert tokenizer(case["rendered_text"]).input_ids == case["tokenizer_ids_of_rendered_text"]


@pytest.mark.parametrize(("tiny", "case"), STRINGS)
def test_plain_string(processor, tiny, case):
    tokenizer = processor(tiny).tokenizer
    assert tokenizer(case["text"]).input_ids == case["ids"]
    assert tokenizer(case["text"], add_special_tokens=False).input_ids == case["ids_no_special"]
    assert processor(tiny).decode(case["ids"]) == case["decoded"]
    skipped = processor(tiny).decode(case["ids"], skip_special_tokens=True)
    assert skipped == case["decoded_skip_special"]


@pytest.mark.parametrize("tiny", MODELS, ids=lambda tiny: tiny.published)
class TestEachModel:
    def test_settings(self, processor, tiny):
        golden = GOLDENS[tiny.published]
        loaded = processor(tiny)
        assert loaded.image_processor.num_crops == golden["num_crops"]
        tokenizer = loaded.tokenizer
        assert [tokenizer.eos_token, tokenizer.eos_token_id] == golden["eos_token"]
        assert [tokenizer.pad_token, tokenizer.pad_token_id] == golden["pad_token"]
        assert [tokenizer.bos_token, tokenizer.bos_token_id] == golden["bos_token"]
        assert tokenizer.padding_side == golden["padding_side"]
        assert tokenizer.chat_template == golden["chat_template"]

    def test_batch_of_texts(self, processor, tiny):
        batch = GOLDENS[tiny.published]["batch"]
        processed = processor(tiny)(batch["texts"], padding=True)
        assert processed["input_ids"].tolist() == batch["input_ids"]
        assert processed["attention_mask"].tolist() == batch["attention_mask"]

    def test_truncation_leaves_a_prompt_with_pictures_whole(self, processor, tiny):
        image = Image.open(IMAGES / "rgb_640x480.png")
        cut = processor(tiny)("<|image_1|>\nWhat?", image, truncation=True, max_length=8)
        whole = processor(tiny)("<|image_1|>\nWhat?", image)
        assert cut["input_ids"].tolist() == whole["input_ids"].tolist()
        assert cut["input_ids"].shape[1] > 700

    def test_several_prompts_with_pictures_are_refused(self, processor, tiny):
        """The reference raises TypeError from inside `re`."""
        image = Image.open(IMAGES / "rgb_31x47.png")
        with pytest.raises(ModelError, match="one prompt at a time"):
            processor(tiny)(["<|image_1|>", "<|image_1|>"], [image])

    def test_decoding_leaves_pictures_out(self, processor, tiny):
        rows = processor(tiny)("<|image_1|>Hi", Image.open(IMAGES / "rgb_31x47.png"))["input_ids"]
        assert processor(tiny).batch_decode(rows) == ["<s><s> Hi"]
        assert processor(tiny).decode(rows[0], skip_special_tokens=True) == "Hi"


def test_one_s_follows_each_picture(processor):
    ids = processor(MODELS[1])("a<|image_1|>b", Image.open(IMAGES / "rgb_31x47.png"), num_crops=1)
    found = ids["input_ids"][0].tolist()
    assert found == [1, 263, *[-1] * 313, 1, 289]


def test_without_tensors(processor):
    processed = processor(MODELS[1])("<|image_1|>", Image.open(IMAGES / "rgb_31x47.png"), None)
    assert processed["input_ids"] == [[1, *[-1] * 757, 1]]
    arrays = processor(MODELS[1])("<|image_1|>", Image.open(IMAGES / "rgb_31x47.png"), "np")
    assert isinstance(arrays["pixel_values"], np.ndarray)

"""The published way of using the model, with one import added.

Describe a picture, read its text, compare two: as in the public notebook, on tiny checkpoints with
random weights, so what is said means nothing, but each step has to work.
"""

import pytest
import torch
from PIL import Image
from transformers import AutoModelForCausalLM, AutoProcessor

import phi3v_tui.phi3v  # noqa: F401  (the one import)
from tests.support.goldens import IMAGES, MODELS

QUESTIONS = {
    "describe": ("Could you please introduce this stock to me?", ["rgb_640x480.png"]),
    "ocr": ("Help me get the title and author information of this book?", ["rgb_31x47.png"]),
    "compare": (
        "What is difference in this two images?",
        ["rgb_640x480.png", "rgb_1000x10.png"],
    ),
}


@pytest.mark.parametrize("tiny", MODELS, ids=lambda tiny: tiny.published)
@pytest.mark.parametrize("question", QUESTIONS)
def test_notebook(checkpoint, tiny, question):
    folder = str(checkpoint(tiny))
    processor = AutoProcessor.from_pretrained(folder, trust_remote_code=True, num_crops=4)
    model = AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=True, torch_dtype="auto")
    words, names = QUESTIONS[question]
    images = [Image.open(IMAGES / name) for name in names]
    tags = "".join(f"<|image_{number}|>\n" for number in range(1, len(images) + 1))
    prompt = f"<|user|>\n{tags}{words}<|end|>\n<|assistant|>\n"

    given = images if len(images) > 1 else images[0]
    inputs = processor(prompt, given, return_tensors="pt").to(model.device)
    generated = model.generate(
        **inputs, max_new_tokens=5, eos_token_id=processor.tokenizer.eos_token_id
    )
    generated = generated[:, inputs["input_ids"].shape[1] :]
    answer = processor.batch_decode(
        generated, skip_special_tokens=True, clean_up_tokenization_spaces=False
    )
    assert generated.shape == (1, 5)
    assert answer == [processor.tokenizer.decode(generated[0])]
    assert answer[0]


def test_device_map(checkpoint):
    """As in the notebook; transformers needs accelerate for it."""
    pytest.importorskip("accelerate")
    model = AutoModelForCausalLM.from_pretrained(
        checkpoint(MODELS[1]), device_map="cpu", trust_remote_code=True, torch_dtype="auto"
    )
    assert model.device.type == "cpu"
    assert model.model.rotary_emb.inv_freq.dtype == torch.float32

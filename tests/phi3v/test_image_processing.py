"""The HD transform, against 24 pictures x 3 settings of num_crops."""

import hashlib

import numpy as np
import pytest
import torch
from PIL import Image

from phi3v_tui.errors import AttachmentError, ModelError
from phi3v_tui.phi3v import Phi3VImageProcessor
from phi3v_tui.phi3v.image_processing import hd_transform
from tests.support.goldens import IMAGES, read_json
from tests.support.tiny_checkpoint import GOLDEN

CASES = read_json("image_processor", "image_processor.json")["cases"]
PROCESSED = [case for case in CASES if "reference_error" not in case]
REFUSED = [case for case in CASES if "reference_error" in case]


def name_of(case):
    return f"{case['name']}@{case['num_crops']}"


def picture(case):
    return Image.open(GOLDEN / "image_processor" / case["file"])


@pytest.fixture(scope="module")
def samples():
    with np.load(GOLDEN / "image_processor" / "samples.npz") as stored:
        return dict(stored)


@pytest.mark.parametrize("case", PROCESSED, ids=name_of)
def test_equals_the_reference(case, samples):
    processed = Phi3VImageProcessor()(
        picture(case), num_crops=case["num_crops"], return_tensors="pt"
    )
    pixels = processed["pixel_values"]
    assert processed["image_sizes"].tolist() == case["image_sizes"]
    assert processed["num_img_tokens"] == case["num_img_tokens"]
    assert list(pixels.shape) == case["pixel_values_shape"]
    assert pixels.dtype == torch.float32
    assert not pixels[0, case["num_real_crops"] :].any()
    real = pixels[0, : case["num_real_crops"]].numpy()
    positions = np.arange(2000) * real.size // 2000
    key = case["sample"]
    assert np.abs(real.reshape(-1)[positions] - samples[f"{key}/sample"]).max() < 1e-5
    in_double = real.astype(np.float64)
    assert np.abs(in_double.mean((2, 3)) - samples[f"{key}/mean"]).max() < 1e-5
    assert np.abs(in_double.std((2, 3)) - samples[f"{key}/std"]).max() < 1e-5


@pytest.mark.parametrize("case", PROCESSED, ids=name_of)
def test_resized_picture_equals_the_reference_in_every_byte(case):
    processor = Phi3VImageProcessor(num_crops=case["num_crops"])
    image = picture(case)
    transformed = hd_transform(image, processor.layout(image))
    assert list(transformed.size) == case["hd_size_wh"]
    assert hashlib.sha256(transformed.tobytes()).hexdigest() == case["hd_uint8_sha256"]


@pytest.mark.parametrize("case", REFUSED, ids=name_of)
def test_refuses_where_the_reference_crashes(case):
    """The short side would be resized to nothing; the reference fails inside Pillow."""
    with pytest.raises(AttachmentError, match="too long and thin"):
        Phi3VImageProcessor(num_crops=case["num_crops"])(picture(case))


def test_all_cases_are_there():
    assert len(CASES) == 72
    assert len({case["name"] for case in CASES}) == 24


@pytest.mark.parametrize("name", ["rgb_31x47", "rgb_337x335"])
def test_every_pixel_at_num_crops_1(name):
    with np.load(GOLDEN / "image_processor" / "full_num_crops_1.npz") as stored:
        (key,) = [key for key in stored if key.startswith(name)]
        expected = stored[key]
    image = Image.open(IMAGES / f"{name}.png")
    pixels = Phi3VImageProcessor(num_crops=1)(image, return_tensors="np")["pixel_values"]
    assert np.abs(pixels - expected).max() < 1e-5


def test_crops_lie_row_by_row():
    """Each crop of this picture has a red value of its own."""
    image = Image.new("RGB", (3 * 28, 2 * 28))
    for number in range(6):
        tile = Image.new("RGB", (28, 28), (40 * number, 0, 0))
        image.paste(tile, (number % 3 * 28, number // 3 * 28))
    processor = Phi3VImageProcessor(
        6, image_mean=[0, 0, 0], image_std=[1, 1, 1], num_img_tokens=1, crop_size=28
    )
    layout = processor.layout(image)
    assert (layout.rows, layout.cols) == (2, 3)
    reds = processor.crops(image, layout)[1:, 0].mean((1, 2)) * 255
    assert reds.round().tolist() == [0, 40, 80, 120, 160, 200]


def test_the_only_crop_of_a_square_equals_its_global_view():
    processor = Phi3VImageProcessor(num_crops=1)
    image = Image.open(IMAGES / "rgb_480x640.png")
    view, crop = processor.crops(image, processor.layout(image))
    assert torch.equal(view, crop)


def test_several_pictures_at_once():
    images = [Image.open(IMAGES / name) for name in ("rgb_640x480.png", "rgb_1000x10.png")]
    processed = Phi3VImageProcessor(num_crops=4)(images)
    assert list(processed["pixel_values"].shape) == [2, 5, 3, 336, 336]
    assert processed["image_sizes"] == [[672, 672], [336, 1344]]
    assert processed["num_img_tokens"] == [757, 745]


@pytest.mark.parametrize(
    "images",
    [np.zeros((8, 8, 3), np.uint8), torch.zeros(3, 8, 8, dtype=torch.uint8), "picture.png", [[]]],
    ids=["array", "tensor", "path", "nested"],
)
def test_what_is_no_pil_image_is_refused(images):
    """The reference fails on these with errors of Python's or of transformers'."""
    with pytest.raises(AttachmentError, match="PIL image"):
        Phi3VImageProcessor()(images)


def test_no_picture_is_refused():
    """The reference raises IndexError."""
    with pytest.raises(AttachmentError, match="no picture"):
        Phi3VImageProcessor()([])


def test_crop_size_and_token_count_have_to_agree():
    with pytest.raises(ModelError, match="144 tokens for a crop of 224"):
        Phi3VImageProcessor(crop_size=224)
    assert Phi3VImageProcessor(crop_size=224, num_img_tokens=64).crop_size == 224

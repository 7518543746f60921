"""Vision tower and picture embeddings, with pixels made from a formula."""

import numpy as np
import pytest
import torch

from phi3v_tui.conversation.crops import CropGrid
from tests.support.goldens import MODELS, full, needs_full_goldens, reduced, thin
from tests.support.model_cases import formula_pixels

TOLERANCE = 1e-4

each_model = pytest.mark.parametrize("tiny", MODELS, ids=lambda tiny: tiny.name)


@torch.no_grad()
def computed(model, tiny):
    """All vision goldens, by name."""
    pixels, sizes = formula_pixels(tiny, "vision_embed_1")
    tower = model.model.vision_embed_tokens.img_processor
    hidden = tower(pixel_values=pixels[0, :2], output_hidden_states=True)
    two = model.encode_images(*formula_pixels(tiny, "vision_embed_2"))
    found = {
        "vision_tower/embeddings_after_pre_layrnorm_crop0": hidden.hidden_states[0][0],
        "vision_tower/hidden_m2_crop0": hidden.last_hidden_state[0],
        "vision_tower/hidden_m2_crop1": hidden.last_hidden_state[1],
        "vision_embed_1/out": model.encode_images(pixels, sizes)[0],
        "vision_embed_2/out": torch.cat(two),
    }
    return {name: numbers.numpy() for name, numbers in found.items()}


@each_model
def test_equals_the_reference(load, tiny):
    golden = reduced(tiny)
    for name, numbers in computed(load(tiny), tiny).items():
        assert np.abs(thin(name, numbers) - golden[name]).max() < TOLERANCE, name


@needs_full_goldens
@each_model
def test_equals_the_full_reference(load, tiny):
    golden = full(tiny)
    for name, numbers in computed(load(tiny), tiny).items():
        assert np.abs(numbers - golden[name]).max() < TOLERANCE, name


@each_model
@torch.no_grad()
def test_one_picture_alone_equals_pictures_together(load, tiny):
    """This is what lets the engine keep features by picture."""
    model = load(tiny)
    pixels, sizes = formula_pixels(tiny, "vision_embed_2")
    together = model.encode_images(pixels, sizes)
    for crops, grid, expected in zip(
        pixels, (CropGrid(1, 2), CropGrid(2, 1)), together, strict=True
    ):
        alone = model.encode_image(crops[:3], grid)
        assert alone.shape == (grid.tokens(12), model.config.hidden_size)
        assert (alone - expected).abs().max() < TOLERANCE


@torch.no_grad()
def test_padding_crops_are_not_encoded(load, monkeypatch):
    """The reference runs the tower over them too, and throws the result away."""
    model = load(MODELS[1])
    pixels, sizes = formula_pixels(MODELS[1], "vision_embed_2")
    expected = model.encode_images(pixels, sizes)
    counts = count_crops(model, monkeypatch)
    dirty = pixels.clone()
    dirty[:, 3:] = float("nan")
    for one, other in zip(model.encode_images(dirty, sizes), expected, strict=True):
        assert torch.equal(one, other)
    assert counts == [6]


@torch.no_grad()
def test_a_crop_that_equals_its_global_view_is_encoded_once(load, monkeypatch):
    model = load(MODELS[1])
    crop = formula_pixels(MODELS[1], "vision_embed_1")[0][0, :1]
    grid = CropGrid(1, 1)
    features = model.model.vision_embed_tokens
    encoded = features.encode_crops(torch.cat([crop, crop]))
    expected = features.img_projection(features.merge(encoded, grid))
    counts = count_crops(model, monkeypatch)
    once = model.encode_image(torch.cat([crop, crop]), grid)
    assert counts == [1]
    assert (once - expected).abs().max() < TOLERANCE
    model.encode_image(torch.cat([crop, crop + 1]), grid)
    assert counts == [1, 2]


def test_gradients_reach_the_tower_and_the_separators(load):
    model = load(MODELS[1])
    crop = formula_pixels(MODELS[1], "vision_embed_1")[0][0, :1]
    features = model.encode_image(torch.cat([crop, crop]), CropGrid(1, 1))
    embedder = model.model.vision_embed_tokens
    patches = embedder.img_processor.embeddings.patch_embedding.weight
    wanted = [patches, embedder.sub_GN, embedder.glb_GN, embedder.img_projection[0].weight]
    for gradient in torch.autograd.grad(features.square().sum(), wanted):
        assert gradient.abs().max() > 0


def count_crops(model, monkeypatch):
    """Collect how many crops each run of the tower is given."""
    counts = []
    embedder = model.model.vision_embed_tokens
    encode = embedder.encode_crops

    def counting(crops):
        counts.append(len(crops))
        return encode(crops)

    monkeypatch.setattr(embedder, "encode_crops", counting)
    return counts

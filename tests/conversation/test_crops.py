"""Crop geometry and token cost, against 864 sizes from the reference code."""

import json
import subprocess
import sys

import pytest

from phi3v_tui.conversation.crops import crop_layout, image_tokens
from phi3v_tui.errors import AttachmentError
from tests.support.tiny_checkpoint import GOLDEN

SIZE_TABLE = json.loads((GOLDEN / "image_processor" / "size_table.json").read_text())["rows"]


def layout_or_none(width, height, num_crops):
    try:
        layout = crop_layout(width, height, num_crops)
    except AttachmentError:
        return None
    return [layout.height, layout.width, layout.num_tokens]


@pytest.mark.parametrize(("column", "num_crops"), enumerate((16, 9, 6, 4, 1), start=2))
def test_size_table(column, num_crops):
    """Where the table has a zero side the reference crashes on a picture; here it is refused."""
    assert len(SIZE_TABLE) == 864
    for row in SIZE_TABLE:
        expected = row[column] if all(row[column]) else None
        assert layout_or_none(*row[:2], num_crops) == expected, (row[:2], num_crops)


def test_square_at_num_crops_1_costs_313_tokens():
    assert image_tokens(336, 336, 1) == 313


def test_crop_size_224_has_8_tokens_a_side():
    layout = crop_layout(448, 224, 2, crop_size=224)
    assert (layout.rows, layout.cols, layout.num_crops) == (1, 2, 3)
    assert layout.num_tokens == 8 * 17 + 1 + 8 * 9
    assert (layout.width, layout.height) == (448, 224)


def test_padding_is_split_between_both_sides():
    layout = crop_layout(1000, 300, 4)
    assert (layout.resized_width, layout.resized_height) == (1008, 302)
    assert (layout.width, layout.height, layout.left, layout.top) == (1008, 336, 0, 17)


def test_a_tall_picture_mirrors_a_wide_one():
    wide, tall = crop_layout(1000, 300, 16), crop_layout(300, 1000, 16)
    assert (tall.rows, tall.cols) == (wide.cols, wide.rows)
    assert (tall.left, tall.top) == (wide.top, wide.left)
    assert tall.transposed
    assert not wide.transposed


@pytest.mark.parametrize("size", [(6000, 1), (1, 6000)])
def test_too_long_and_thin_is_refused_with_a_way_out(size):
    with pytest.raises(AttachmentError, match="too long and thin") as caught:
        crop_layout(*size, 16)
    assert caught.value.remedy


def test_an_empty_picture_is_refused():
    with pytest.raises(AttachmentError, match="empty"):
        crop_layout(0, 10, 16)


def test_num_crops_has_to_be_positive():
    with pytest.raises(ValueError, match="num_crops"):
        crop_layout(10, 10, 0)


def test_needs_neither_torch_nor_pillow_to_reckon():
    code = (
        "import sys, phi3v_tui.conversation.crops;"
        "print([m for m in ('torch', 'transformers', 'PIL') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"

"""Pages, frames and regions: which there are, and pictures made of them."""

import io
from pathlib import Path

import pytest
from PIL import Image

from phi3v_tui.conversation import decoding
from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.parts import cut, describe_frames, frame_of, with_number
from phi3v_tui.errors import AttachmentError

RED, GREEN, BLUE = (255, 0, 0), (0, 128, 0), (0, 0, 255)


def several(kind, **options):
    """Three pictures in one file: red, green, blue."""
    pictures = [Image.new("RGB", (40, 30), colour) for colour in (RED, GREEN, BLUE)]
    buffer = io.BytesIO()
    pictures[0].save(buffer, kind, save_all=True, append_images=pictures[1:], **options)
    return Attachment.from_bytes(buffer.getvalue(), "scan.tif", "/pics/scan.tif")


def near(pixel, colour):
    return max(abs(a - b) for a, b in zip(pixel, colour, strict=True)) < 12


@pytest.mark.parametrize(
    ("kind", "options"),
    [("TIFF", {}), ("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {}), ("AVIF", {})],
)
def test_each_frame_can_be_seen_and_made_a_picture(kind, options):
    attached = several(kind, **options)
    assert attached.count_frames() == 3
    assert near(attached.image().getpixel((5, 5)), RED)
    assert near(attached.image(2).getpixel((5, 5)), BLUE)

    page = cut(attached, frame=1)

    assert page.image().tobytes() == attached.image(1).tobytes()
    noun = "page" if kind == "TIFF" else "frame"
    assert (page.name, page.origin) == (f"scan, {noun} 2.png", "/pics/scan.tif#page=2")
    assert describe_frames(attached) == f"scan.tif has 3 {noun}s; the first one is attached."
    assert page.digest != attached.digest
    assert page.count_frames() == 1


@pytest.mark.parametrize("kind", ["JPEG", "BMP", "PNG"])
def test_an_ordinary_picture_has_one_frame(kind):
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30)).save(buffer, kind)
    assert Attachment.from_bytes(buffer.getvalue(), "a", "/a").count_frames() == 1


def test_pages_of_other_sizes_keep_theirs():
    first, second = Image.new("RGB", (40, 30)), Image.new("L", (70, 20), 200)
    buffer = io.BytesIO()
    first.save(buffer, "TIFF", save_all=True, append_images=[second])
    page = cut(Attachment.from_bytes(buffer.getvalue(), "scan", "/scan"), frame=1)
    assert (page.width, page.height) == (70, 20)
    assert page.image().getpixel((0, 0)) == (200, 200, 200)


def test_a_frame_that_is_not_there_is_an_error():
    with pytest.raises(AttachmentError, match=r"scan\.tif is damaged or incomplete"):
        several("TIFF").image(3)


def test_a_page_with_too_many_pixels_is_never_decoded(monkeypatch):
    attached = several("TIFF")
    monkeypatch.setattr(decoding, "MAX_PIXELS", 40 * 30 - 1)
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    with pytest.raises(AttachmentError, match="40 x 30 pixels"):
        attached.image(1)


def test_a_region_is_the_same_pixels_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.new("RGB", (60, 40), RED)
    image.paste(BLUE, (30, 0, 60, 40))
    buffer = io.BytesIO()
    image.save(buffer, "PNG", exif=exif)
    attached = Attachment.from_bytes(buffer.getvalue(), "cat.png", "/cat.png")
    assert (attached.width, attached.height) == (40, 60)

    part = cut(attached, box=(0, 20, 40, 50))

    assert (part.width, part.height) == (40, 30)
    assert part.image().getpixel((10, 9)) == RED
    assert part.image().getpixel((10, 11)) == BLUE
    assert (part.name, part.origin) == ("cat, part.png", "/cat.png#xywh=0,20,40,30")


def test_a_region_of_a_page_and_of_a_part_says_so():
    page = cut(several("TIFF"), frame=1, box=(0, 0, 20, 20))
    assert (page.name, page.origin) == (
        "scan, page 2, part.png",
        "/pics/scan.tif#page=2&xywh=0,0,20,20",
    )
    assert cut(page, box=(0, 0, 10, 10)).origin.endswith("#page=2&xywh=0,0,20,20&xywh=0,0,10,10")


def test_a_region_of_which_nothing_would_be_left_is_refused():
    image = Image.new("RGB", (1000, 400))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    with pytest.raises(AttachmentError, match="nothing would be left"):
        cut(Attachment.from_bytes(buffer.getvalue(), "a", "/a"), box=(0, 0, 1000, 1))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "PPM"])
def test_the_beginning_of_a_file_tells_a_picture(kind):
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30)).save(buffer, kind)
    assert decoding.claims_to_be_picture(buffer.getvalue()[: decoding.HEAD_BYTES])


@pytest.mark.parametrize("head", [b"", b"P", b"BM"[:1], b"#!/bin/sh\n", b"%PDF-1.7", b"\0" * 32])
def test_other_beginnings_tell_none(head):
    assert not decoding.claims_to_be_picture(head)


@pytest.mark.parametrize(
    ("path", "file", "frame"),
    [
        ("/a/scan.tif#page=2", "/a/scan.tif", 1),
        ("cat.gif#frame=10", "cat.gif", 9),
        ("a#page=1#page=3", "a#page=1", 2),
        ("scan.tif", "scan.tif", 0),
        ("scan.tif#page=0", "scan.tif#page=0", 0),
        ("#page=2", "#page=2", 0),
        ("a#page=2.png", "a#page=2.png", 0),
    ],
)
def test_a_page_is_named_after_the_file(path, file, frame):
    assert with_number(Path(path)) == (Path(file), frame)


def test_a_page_that_there_is_not_is_told_with_how_many_there_are():
    attached = several("TIFF")
    assert frame_of(attached, 0) is attached
    assert near(frame_of(attached, 2).image().getpixel((5, 5)), BLUE)
    with pytest.raises(AttachmentError, match="has 3 pages, and no page 4"):
        frame_of(attached, 3)
    with pytest.raises(AttachmentError, match="has one frame, and no frame 2"):
        frame_of(cut(attached, 1), 1)


def test_of_one_picture_nothing_is_said():
    assert describe_frames(cut(several("TIFF"), 1)) == ""

"""Pictures from files: what is taken, what is refused and how, and how they come out."""

import hashlib
import io
import os
import random
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from PIL import Image

from phi3v_tui.conversation import attachment as attachment_module
from phi3v_tui.conversation import decoding
from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.crops import image_tokens
from phi3v_tui.errors import AttachmentError

ORIENTATION = 0x0112
TURNED_RIGHT = 6


def picture(width=60, height=40):
    """Red on the left half, blue on the right."""
    image = Image.new("RGB", (width, height), "red")
    image.paste("blue", (width // 2, 0, width, height))
    return image


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def attach(data, name="cat.png"):
    return Attachment.from_bytes(data, name, f"/pictures/{name}")


def is_red(pixel):
    return pixel[0] > 200 and pixel[2] < 60


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [
        ("PNG", ".png"), ("JPEG", ".jpg"), ("WEBP", ".webp"), ("GIF", ".gif"), ("BMP", ".bmp"),
        ("TIFF", ".tif"), ("AVIF", ".avif"), ("JPEG2000", ".jp2"), ("PPM", ".ppm"),
    ],
)  # fmt: skip
def test_a_picture_is_known_by_its_content_not_its_suffix(tmp_path, kind, suffix):
    path = tmp_path / "notes.txt"
    data = encoded(picture(), kind)
    path.write_bytes(data)

    attached = Attachment.from_path(path)

    assert (attached.width, attached.height) == (60, 40)
    assert attached.data == data
    assert attached.digest == hashlib.sha256(data).hexdigest()
    assert (attached.name, attached.origin) == ("notes.txt", str(path))
    assert attached.suffix == suffix
    image = attached.image()
    assert (image.mode, image.size) == ("RGB", (60, 40))
    assert is_red(image.getpixel((5, 20)))
    assert not is_red(image.getpixel((55, 20)))


def test_relative_and_home_paths_become_absolute(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(encoded(picture()))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))

    for path in ("a.png", "~/a.png"):
        attached = Attachment.from_path(Path(path))
        assert attached.origin == str(tmp_path / "a.png")


def test_a_picture_is_turned_upright_by_exif():
    exif = Image.Exif()
    exif[ORIENTATION] = TURNED_RIGHT
    attached = attach(encoded(picture(60, 40), "JPEG", exif=exif))

    assert (attached.width, attached.height) == (40, 60)
    for image in (attached.image(), attached.thumbnail(1000)):
        assert image.size == (40, 60)
        assert is_red(image.getpixel((20, 5)))
        assert not is_red(image.getpixel((20, 55)))


def test_broken_exif_says_nothing_against_the_pixels():
    attached = attach(encoded(picture(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff"))
    assert attached.image().size == (60, 40)


def test_transparency_is_dropped_as_the_model_sees_it():
    clear_red = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    assert attach(encoded(clear_red)).image().getpixel((0, 0)) == (255, 0, 0)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_sixteen_bits_are_scaled_not_cut_off(kind):
    grey = Image.new("I;16", (4, 4), 0)
    grey.putpixel((0, 0), 65535)
    grey.putpixel((1, 0), 128 * 257)

    image = attach(encoded(grey, kind)).image()

    assert [image.getpixel((x, 0))[0] for x in (0, 1, 2)] == [255, 128, 0]


def test_numbers_with_a_fraction_are_scaled_to_their_range():
    heights = Image.new("F", (3, 1), 0.0)
    heights.putpixel((1, 0), 0.5)
    heights.putpixel((2, 0), 1.0)

    image = attach(encoded(heights, "TIFF")).image()

    assert [image.getpixel((x, 0))[0] for x in range(3)] == [0, 127, 255]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "CMYK", "YCbCr", "LAB"])
def test_every_mode_comes_out_as_rgb(mode):
    kind = "PNG" if mode in ("1", "L", "LA", "P") else "TIFF"
    source = Image.new(mode, (6, 4)) if mode in ("LA", "LAB") else picture(6, 4).convert(mode)
    image = attach(encoded(source, kind)).image()
    assert (image.mode, image.size) == ("RGB", (6, 4))


def test_an_animation_shows_its_first_frame():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert is_red(attach(data).image().getpixel((0, 0)))


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_thumbnail_fits_and_keeps_the_shape(kind):
    thumbnail = attach(encoded(picture(600, 400), kind)).thumbnail(90)
    assert thumbnail.size == (90, 60)
    assert thumbnail.mode == "RGB"
    assert is_red(thumbnail.getpixel((5, 30)))


def test_a_thumbnail_never_grows():
    assert attach(encoded(picture(60, 40))).thumbnail(500).size == (60, 40)


def test_no_such_file(tmp_path):
    with pytest.raises(AttachmentError, match=r"There is no file .*gone\.png"):
        Attachment.from_path(tmp_path / "gone.png")


def test_a_file_used_as_a_folder(tmp_path):
    (tmp_path / "a").touch()
    with pytest.raises(AttachmentError, match="There is no file"):
        Attachment.from_path(tmp_path / "a" / "b.png")


def test_a_folder(tmp_path):
    with pytest.raises(AttachmentError, match="is a folder"):
        Attachment.from_path(tmp_path)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(AttachmentError, match="not an ordinary file"):
        Attachment.from_path(tmp_path / "pipe.png")


@pytest.mark.parametrize("path", ["/with\0nul.png", "/" + "x" * 300])
def test_impossible_paths(path):
    with pytest.raises(AttachmentError):
        Attachment.from_path(Path(path))


def test_no_permission(tmp_path, monkeypatch):
    path = tmp_path / "mine.png"
    path.write_bytes(encoded(picture()))

    def refuse(self):
        raise PermissionError(13, "Permission denied")

    # Tests may run as root, for whom no file is unreadable.
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(AttachmentError, match="may not read"):
        Attachment.from_path(path)


@pytest.mark.parametrize(
    "data",
    [
        b"hello", b"\0" * 500, b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    ],
)  # fmt: skip
def test_not_a_picture(data):
    with pytest.raises(AttachmentError, match=r"report\.png is not a picture") as caught:
        attach(data, "report.png")
    assert "PNG" in caught.value.remedy


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "AVIF"])
def test_a_truncated_picture(kind):
    noise = Image.frombytes("RGB", (64, 64), random.Random(1).randbytes(64 * 64 * 3))
    data = encoded(noise, kind)
    with pytest.raises(AttachmentError, match=r"cat\.png is (damaged|not a picture)"):
        attach(data[: len(data) // 2])


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_a_truncated_picture_that_has_to_be_turned(kind):
    exif = Image.Exif()
    exif[ORIENTATION] = TURNED_RIGHT
    noise = Image.frombytes("RGB", (64, 64), random.Random(1).randbytes(64 * 64 * 3))
    data = encoded(noise, kind, exif=exif)
    with pytest.raises(AttachmentError, match=r"cat\.png is (damaged|not a picture)"):
        attach(data[: len(data) * 3 // 4])


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "JPEG2000", "PPM"])
def test_damage_of_any_sort_gives_no_other_error(kind):
    data = encoded(picture(), kind)
    rng = random.Random(kind)
    outcomes = set()
    for _ in range(60):
        damaged = bytearray(data)
        for _ in range(4):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        try:
            outcomes.add(attach(bytes(damaged)).image().mode)
        except AttachmentError as error:
            outcomes.add(type(error))
    assert outcomes <= {"RGB", AttachmentError}


def test_too_many_bytes_are_not_even_read(tmp_path, monkeypatch):
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.truncate(attachment_module.MAX_BYTES + 1)
    monkeypatch.delattr(Path, "read_bytes")
    with pytest.raises(AttachmentError, match=r"huge\.png is 64 MB large"):
        Attachment.from_path(path)


def png_of_size(width, height):
    """A PNG that claims a size and has next to no data: a decompression bomb's head."""

    def chunk(kind, body):
        return len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4)

    header = width.to_bytes(4) + height.to_bytes(4) + bytes([8, 0, 0, 0, 0])
    data = zlib.compress(bytes(100))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [9_500, 12_000, 60_000])
def test_too_many_pixels_are_never_decoded(side, monkeypatch):
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    with pytest.raises(AttachmentError, match="pixels"):
        attach(png_of_size(side, side))


def test_as_many_pixels_as_allowed_are_taken(monkeypatch):
    monkeypatch.setattr(decoding, "MAX_PIXELS", 60 * 40)
    assert attach(encoded(picture(60, 40))).width == 60
    with pytest.raises(AttachmentError, match="61 x 40 pixels"):
        attach(encoded(picture(61, 40)))


@pytest.mark.parametrize("size", [(201, 1), (1, 201), (6000, 1), (20_000, 10)])
def test_a_strip_of_which_nothing_would_be_left(size):
    with pytest.raises(AttachmentError, match=f"{size[0]} x {size[1]} pixels"):
        attach(encoded(Image.new("RGB", size)))


@pytest.mark.parametrize("size", [(200, 1), (1, 200), (1000, 10), (1, 1)])
def test_a_strip_of_which_something_is_left(size):
    attached = attach(encoded(Image.new("RGB", size)))
    assert (attached.width, attached.height) == size
    assert all(image_tokens(*size, crops, side) for crops in (1, 16) for side in (224, 336))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is empty. Copy or download it again."),
        (b"%PDF-1.7\n...", "is a PDF document, not a picture. Save its page as PNG"),
        (
            b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
            "is a HEIC photo, which cannot be read. Save it as J",
        ),
        (b"<svg xmlns='x'/>", "is an SVG drawing, which has no pixels. Save it as PNG."),
        (b'<?xml version="1.0"?>\n<!-- one -->\n<svg/>', "is an SVG drawing"),
        (b"<html>an <svg></html>", "is not a picture that can be read."),
        (b"BM is two letters", "is not a picture that can be read."),
        (encoded(picture(), "AVIF")[:100], "is damaged or incomplete."),
        (encoded(picture())[:20], "is damaged or incomplete."),
    ],
)
def test_what_is_no_picture_is_named_as_what_it_is(data, sentence):
    with pytest.raises(AttachmentError) as caught:
        attach(data)
    assert f"cat.png {sentence}" in str(caught.value)


def sixteen_bit_png(mode, levels):
    """A PNG of one row with 16 bits a channel, which Pillow writes for grey only."""
    kinds = {"RGB": 2, "LA": 4, "RGBA": 6}
    channels = len(mode)
    header = struct.pack(">IIBBBBB", len(levels) // channels, 1, 16, kinds[mode], 0, 0, 0)
    row = zlib.compress(b"\0" + struct.pack(f">{len(levels)}H", *levels))

    def chunk(kind, body):
        return len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4)

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", row) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("mode", "levels", "seen"),
    [
        ("RGB", [65535, 0, 128 * 257], (255, 0, 128)),
        ("RGBA", [65535, 0, 128 * 257, 0], (255, 0, 128)),
        ("LA", [128 * 257, 65535], (128, 128, 128)),
    ],
)
def test_sixteen_bits_in_each_channel_are_scaled_too(mode, levels, seen):
    assert attach(sixteen_bit_png(mode, levels)).image().getpixel((0, 0)) == seen


def of_mode(mode):
    return Image.new("RGB", (8, 8), (200, 30, 40)).convert(mode)


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        (of_mode("CMYK"), "JPEG"),
        (of_mode("CMYK"), "TIFF"),
        (of_mode("YCbCr"), "TIFF"),
        (of_mode("LAB"), "TIFF"),
        (of_mode("RGB").quantize(8), "PNG"),
        (of_mode("RGB").quantize(8), "GIF"),
        (of_mode("RGBA").quantize(8), "PNG"),
    ],
)
def test_colours_of_other_kinds_come_out_as_they_are_seen(image, kind):
    seen = attach(encoded(image, kind)).image().getpixel((4, 4))
    assert max(abs(a - b) for a, b in zip(seen, (200, 30, 40), strict=True)) < 12


def test_remarks_on_sloppy_files_are_not_printed(tmp_path):
    image = of_mode("RGBA").quantize(8)
    image.info["transparency"] = bytes(8)
    path = tmp_path / "clear.png"
    path.write_bytes(encoded(image))
    code = "import sys; from pathlib import Path; "
    code += "from phi3v_tui.conversation.attachment import Attachment; "
    code += "print(Attachment.from_path(Path(sys.argv[1])).image().mode)"
    command = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("RGB\n", "")

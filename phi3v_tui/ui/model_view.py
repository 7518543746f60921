"""A picture as the model gets it: resized, padded with white, cut into crops."""

from PIL import Image, ImageDraw

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.crops import CropLayout, crop_layout
from phi3v_tui.engine.base import Limits

CROP_CHOICES = (1, 4, 9, 16)
"""What one key goes through: most crops of a picture."""

Region = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels."""

_LINE = (255, 96, 0)
_LINE_OPACITY = 0.55


def layout_of(attachment: Attachment, limits: Limits) -> CropLayout:
    """How a picture is cut."""
    return crop_layout(attachment.width, attachment.height, limits.num_crops, limits.crop_size)


def model_canvas(image: Image.Image, layout: CropLayout) -> Image.Image:
    """The pixels that the crops are cut from, white padding included."""
    canvas = Image.new("RGB", (layout.width, layout.height), "white")
    size = (layout.resized_width, layout.resized_height)
    canvas.paste(image.resize(size, Image.Resampling.BILINEAR), (layout.left, layout.top))
    return canvas


def with_grid(image: Image.Image, layout: CropLayout, region: Region) -> Image.Image:
    """Draw the borders between crops, so that what lies below still shows.

    Args:
        image: A region of the canvas at the size of the screen.
        layout: How the picture is cut.
        region: Which region of the canvas `image` shows.
    """
    left, top, right, bottom = region
    lined = image.copy()
    pen = ImageDraw.Draw(lined)
    for col in range(1, layout.cols):
        x = round((col * layout.crop_size - left) * image.width / (right - left))
        pen.line((x, 0, x, image.height), fill=_LINE)
    for row in range(1, layout.rows):
        y = round((row * layout.crop_size - top) * image.height / (bottom - top))
        pen.line((0, y, image.width, y), fill=_LINE)
    return Image.blend(image, lined, _LINE_OPACITY)


def describe_layout(layout: CropLayout, limits: Limits) -> str:
    """Tokens, share of the context, crops and padding, in words."""
    share = 100 * layout.num_tokens / limits.context_length
    inside = layout.resized_width * layout.resized_height
    padding = 100 * (1 - inside / (layout.width * layout.height))
    most = _crops(limits.num_crops)
    grid = f"{layout.cols}×{layout.rows} of at most {most}"  # noqa: RUF001
    return (
        f"{layout.num_tokens:,} tokens, {share:.0f} % of the context\n"
        f"{grid}, overview, {padding:.0f} % padding"
    )


def next_choice(num_crops: int) -> int:
    """The next of `CROP_CHOICES`, from the last one back to the first."""
    larger = (choice for choice in CROP_CHOICES if choice > num_crops)
    return next(larger, CROP_CHOICES[0])


def cost_of_all(attachments: list[Attachment], limits: Limits) -> str:
    """What the pictures of a conversation cost together, in words."""
    most = _crops(limits.num_crops)
    if not attachments:
        return f"Pictures will be cut into at most {most}."
    tokens = sum(layout_of(item, limits).num_tokens for item in attachments)
    share = 100 * tokens / limits.context_length
    noun = "picture" if len(attachments) == 1 else "pictures"
    return (
        f"At most {most} a picture, from the next answer on: {len(attachments)} {noun}, "
        f"{tokens:,} tokens, {share:.0f} % of the context."
    )


def _crops(count: int) -> str:
    return "1 crop" if count == 1 else f"{count} crops"

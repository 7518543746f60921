"""Draw the sample pictures of the repository: `python -m phi3v_tui.demo.samples assets`."""

import argparse
import random
from pathlib import Path

from PIL import Image

from phi3v_tui.demo.charts import Chart
from phi3v_tui.demo.covers import print_cover
from phi3v_tui.demo.drawing import Canvas
from phi3v_tui.demo.exam_charts import matplotlib_chart
from phi3v_tui.demo.scenes import Scene, Shape, draw_scene

BEFORE = Scene(
    "white",
    (
        Shape("circle", "red", 0),
        Shape("star", "yellow", 2),
        Shape("square", "blue", 4),
        Shape("triangle", "green", 6),
    ),
)
AFTER = Scene(
    "white",
    (
        Shape("circle", "red", 0),
        Shape("star", "yellow", 2),
        Shape("square", "purple", 4),
        Shape("triangle", "green", 6),
    ),
)
SHARES = Chart("Share price", ("2020", "2021", "2022", "2023"), (34, 52, 95, 71), "blue")


def samples() -> dict[str, Image.Image]:
    """The pictures by file name."""
    cover = Canvas(600, 720, (24, 52, 84))
    print_cover(random.Random(4), cover, "Silver Garden", "Anna Keller", (250, 240, 210))
    return {
        "before.png": draw_scene(random.Random(8), BEFORE, (800, 600)).image,
        "after.png": draw_scene(random.Random(8), AFTER, (800, 600)).image,
        "chart.png": matplotlib_chart(random.Random(2), SHARES),
        "cover.png": cover.image,
    }


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, image in samples().items():
        image.save(folder / name, optimize=True)


if __name__ == "__main__":
    main()

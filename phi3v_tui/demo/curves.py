"""Plot losses and held-out scores of runs: `python -m phi3v_tui.demo.curves runs/demo`."""

import argparse
import json
from collections import defaultdict
from pathlib import Path

Curves = dict[str, list[tuple[int, float]]]


def read_curves(*progress: Path) -> tuple[Curves, Curves]:
    """Losses and held-out scores by name, each as (step since the start of the first run, value).

    Args:
        progress: A file for each run, each of which goes on from the one before.
    """
    losses: Curves = defaultdict(list)
    scores: Curves = defaultdict(list)
    before = step = 0
    current: tuple[Path, str] | None = None
    for path in progress:
        for line in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
            if (path, line["stage"]) != current:
                before, current = before + step, (path, line["stage"])
            step = line["step"]
            for curves, key in ((losses, "losses"), (scores, "held out")):
                for name, value in line.get(key, {}).items():
                    curves[name].append((before + step, value))
    return losses, scores


def plot(picture: Path, *progress: Path) -> None:
    """Draw the curves of runs."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, 1, figsize=(10, 12), sharex=True, layout="constrained")
    for axis, curves, label in zip(
        axes, read_curves(*progress), ("loss", "right, on held-out pictures"), strict=True
    ):
        for name, points in sorted(curves.items()):
            axis.plot(*zip(*points, strict=True), label=name, linewidth=1, marker=".")
        axis.set_ylabel(label)
        if curves:
            axis.legend(fontsize=6, ncols=2, loc="center left", bbox_to_anchor=(1, 0.5))
    axes[0].set_yscale("log")
    axes[1].set_xlabel("step")
    figure.savefig(picture, dpi=100)
    pyplot.close(figure)


def main() -> None:
    """Parse the command line and plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+", help="of runs, each after the other")
    parser.add_argument("--picture", type=Path, help="file; else curves.png in the last folder")
    args = parser.parse_args()
    picture = args.picture or args.folders[-1] / "curves.png"
    plot(picture, *(folder / "progress.jsonl" for folder in args.folders))


if __name__ == "__main__":
    main()

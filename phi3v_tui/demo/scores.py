"""How much of what was held out a network in training gets right."""

import random
from collections import defaultdict
from collections.abc import Iterator
from functools import cache

from tokenizers import Tokenizer

from phi3v_tui.demo import charts, covers, pages, scenes, tables
from phi3v_tui.demo.curriculum import MAKERS
from phi3v_tui.demo.dialogue import Item
from phi3v_tui.demo.drawing import CLASSES, HELD_OUT_FONTS, PLANE, Picture, cut_into
from phi3v_tui.demo.network import DemoNet
from phi3v_tui.demo.packing import forward, pack
from phi3v_tui.demo.views import map_tensors, picture_tensors, views


def perception_scores(net: DemoNet, count: int = 60) -> dict[str, float]:
    """Part of the labelled cells that the dense heads get right, on held-out pictures."""
    scores = {}
    for name, pictures in _held_out_pictures(net.recipe.num_crops, count).items():
        seen = map_tensors(picture_tensors(pictures), lambda part: part.to(net.phi3v.device))
        slots, logits = net.dense(net.tower.encode_crops(views(seen.crops, seen.grids)))
        for plane in CLASSES:
            target = seen.planes[:, PLANE[plane]]
            known = target > 0
            if known.any():
                right = logits[PLANE[plane]].argmax(-1)[known] == target[known]
                scores[f"{name} {plane}"] = round(float(right.float().mean()), 3)
        printed = seen.characters > 0
        if printed.any():
            right = slots.argmax(-1)[printed] == seen.characters[printed]
            scores[f"{name} characters"] = round(float(right.float().mean()), 4)
    return scores


@cache
def _held_out_pictures(num_crops: int, count: int) -> dict[str, list[Picture]]:
    """Pictures of each sort."""
    rng = random.Random(99)
    with cut_into(num_crops):
        return {
            "scene": [scenes.draw_scene(rng, scenes.random_scene(rng, True)) for _ in range(count)],
            "chart": [
                charts.draw_chart(rng, charts.random_chart(rng, True)).picture for _ in range(count)
            ],
            "cover": [covers.draw_cover(rng, True).picture for _ in range(count)],
            "note": [pages.draw_note(rng, True).picture for _ in range(count)],
            "note in new fonts": [
                pages.draw_note(rng, True, HELD_OUT_FONTS).picture for _ in range(count)
            ],
            "table": [tables.draw_table(rng, True).picture for _ in range(count)],
        }


def language_scores(
    net: DemoNet, tokenizer: Tokenizer, kinds: dict[str, float], count: int = 24
) -> dict[str, float]:
    """Part of held-out answers whose every token is the most likely one, by ability."""
    right: dict[str, list[bool]] = defaultdict(list)
    for kind in kinds:
        for chunk in chunked(_held_out_items(kind, net.recipe.num_crops, count), 8):
            batch = map_tensors(pack(chunk, tokenizer), lambda part: part.to(net.phi3v.device))
            hidden, _ = forward(net, batch)
            wrong = (net.phi3v.lm_head(hidden).argmax(-1) != batch.targets) & (batch.turn_of > 0)
            for b, turns in enumerate(batch.turns):
                failed = set(batch.turn_of[b][wrong[b]].tolist())
                for i, turn in enumerate(turns, 1):
                    right[f"{kind}: {turn.ability}"].append(i not in failed)
    return {k: round(sum(v) / len(v), 3) for k, v in right.items()}


@cache
def _held_out_items(kind: str, num_crops: int, count: int) -> list[Item]:
    rng = random.Random(f"held out {kind}")
    with cut_into(num_crops):
        return [MAKERS[kind](rng, True) for _ in range(count)]


def chunked(items: list[Item], size: int) -> Iterator[list[Item]]:
    """Consecutive parts of a list."""
    for i in range(0, len(items), size):
        yield items[i : i + size]

"""Talk that needs no picture."""

import random

from phi3v_tui.demo.dialogue import Answer, Item, Turn, asked
from phi3v_tui.demo.drawing import KINDS, POSITIONS
from phi3v_tui.demo.scenes import plural
from phi3v_tui.demo.wordings import word, wordings

WHO = "I am the small demo model of phi3v-tui, not the full Phi-3-Vision."
ABLE = "I can describe coloured shapes and bar charts, and compare two or three pictures."

TALK = {
    "hello": "Hello! Attach a picture of shapes, a bar chart or a book cover and ask me about it.",
    "what can you do": f"{WHO} {ABLE}",
    "who are you": f"{WHO} {ABLE}",
    "thanks": "You are welcome.",
    "bye": "Goodbye!",
    "beyond": f"That is beyond me. {WHO} {ABLE}",
    "no picture": "I see no picture yet. Attach one and ask me again.",
}


def talk_turn(rng: random.Random, sorts: tuple[str, ...] = tuple(TALK)[:-1]) -> Turn:
    """Small talk."""
    sort = rng.choice(sorts)
    return asked(rng, sort, Answer(TALK[sort]), "talk")


def _without_picture(rng: random.Random) -> Turn:
    """Any question that needs a picture, where there is none."""
    sort = rng.choice([s for s in wordings() if s not in TALK and s != "and the other"])
    kind = rng.choice(KINDS)
    fields = {
        "kind": kind,
        "kinds": plural(kind),
        "thing": f"a red {kind}",
        "place": rng.choice(POSITIONS),
        "nth": "second",
        "which": "highest",
        "more": "largest",
        "name": str(rng.randint(1990, 2030)),
    }
    turn = asked(rng, "no picture", Answer(TALK["no picture"]), "talk")
    turn.question = word(rng, sort, fields)
    return turn


def talk_item(rng: random.Random, held_out: bool) -> Item:
    """Talk without a picture, and questions about a picture that is not there."""
    del held_out
    chains = [[talk_turn(rng)] for _ in range(5)]
    chains += [[talk_turn(rng, ("no picture",))], [_without_picture(rng)], [_without_picture(rng)]]
    chains.append([talk_turn(rng), talk_turn(rng)])
    return Item([], chains, shared=0)

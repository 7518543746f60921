"""Talk that needs no picture."""

import random

from phi3v_tui.demo.dialogue import Answer, Item, Turn, asked

WHO = "I am the small demo model of phi3v-tui, not the full Phi-3-Vision."
ABLE = "I can describe coloured shapes and bar charts, read large titles and compare two pictures."

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


def talk_item(rng: random.Random, held_out: bool) -> Item:
    """Talk without a picture, and questions about a picture that is not there."""
    del held_out
    chains = [[talk_turn(rng)] for _ in range(5)]
    chains += [[talk_turn(rng, ("no picture",))] for _ in range(2)]
    chains.append([talk_turn(rng), talk_turn(rng)])
    return Item([], chains, shared=0)

"""Talk that needs no picture."""

import random

from phi3v_tui.demo.dialogue import Answer, Item, Turn, phrase

WHO = "I am the small demo model of phi3v-tui, not the full Phi-3-Vision."
ABLE = "I can describe coloured shapes and bar charts, read large titles and compare two pictures."

TALK: tuple[tuple[tuple[str, ...], str], ...] = (
    (("Hello", "Hi", "Hey", "Good morning", "Hello there!", "hi!"),
     "Hello! Attach a picture of shapes, a bar chart or a book cover and ask me about it."),
    (("What can you do?", "Help", "What do you know?", "What are you able to do?",
      "How can you help me?"),
     f"{WHO} {ABLE}"),
    (("Who are you?", "What are you?", "Are you Phi-3?", "What is your name?",
      "Which model are you?"),
     f"{WHO} {ABLE}"),
    (("Thanks", "Thank you", "Thank you very much!", "Great", "Good", "Nice"), "You are welcome."),
    (("Bye", "Goodbye", "See you"), "Goodbye!"),
    (("Tell me a joke.", "What is the capital of France?", "Write a poem.", "What is the weather?",
      "Who is the president?", "Explain gravity.", "What is 2 + 2?", "Translate this.",
      "Write some code.", "Why is the sky blue?"),
     f"That is beyond me. {WHO} {ABLE}"),
)  # fmt: skip
NO_PICTURE = "I see no picture yet. Attach one and ask me again."


def talk_turn(rng: random.Random) -> Turn:
    """Small talk."""
    questions, answer = rng.choice(TALK)
    return Turn(phrase(rng, *questions), Answer(answer), "talk")


def talk_item(rng: random.Random, held_out: bool) -> Item:
    """Talk without a picture, and questions about a picture that is not there."""
    del held_out
    missing = ("Describe this picture.", "What colour is the circle?", "What do you see?",
               "How many shapes are there?", "What is the title?", "What differs?")  # fmt: skip
    chains = [[talk_turn(rng)] for _ in range(4)]
    chains.append([Turn(phrase(rng, *missing), Answer(NO_PICTURE), "talk")])
    chains.append([talk_turn(rng), talk_turn(rng)])
    return Item([], chains, shared=0)

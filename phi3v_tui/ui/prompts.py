"""Prompts at hand, for what the model is made for."""

from collections.abc import Mapping

BUILT_IN: Mapping[str, str] = {
    "Describe": "Describe this picture in detail.",
    "Exact text": (
        "Write out all text in this picture exactly as it stands, line by line. "
        "Do not correct, translate or leave out anything."
    ),
    "Table to Markdown": "Write the table in this picture as a Markdown table, cell by cell.",
    "Chart to numbers": (
        "Read this chart: give its title, its axes with their units, and every value as a "
        "Markdown table."
    ),
    "Objects": "List every object in this picture with its number, colour and place.",
    "Compare": "Compare these pictures: what is the same, and what differs?",
}


def at_hand(own: Mapping[str, str]) -> dict[str, str]:
    """Prompts by name: a person's own first; one with the name of a built-in takes its place."""
    return {**own, **{name: text for name, text in BUILT_IN.items() if name not in own}}

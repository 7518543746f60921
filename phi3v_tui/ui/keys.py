"""The keys of the chat and those that hold on every screen; keys as people write them."""

from collections.abc import Iterable

from textual.binding import Binding

KEYS = (
    Binding("ctrl+o", "attach", "Attach a picture"),
    Binding("ctrl+v,alt+v", "paste_picture", "Attach the picture on the clipboard"),
    Binding("ctrl+t", "toggle_preview", "Show or hide the picture pane"),
    Binding("f2", "change_crops", "Cut pictures into 1, 4, 9 or 16 crops; tells the cost"),
    Binding("f3", "view_picture", "View the picture: zoom, pages, attach a part"),
    Binding("escape", "stop", "Stop the answer, and keep what has come"),
    Binding("ctrl+r", "regenerate", "Answer the last prompt again; both answers stay"),
    Binding("f5", "go_on", "Go on with an answer that was stopped or cut off"),
    Binding("ctrl+up,alt+up", "choose_message", "Choose a message: edit, copy, branch, fork"),
    Binding("ctrl+f", "find", "Find words in the conversation"),
    Binding("ctrl+l", "list_conversations", "Conversations: open, rename, delete, find"),
    Binding("f8", "take_prompt", "Prompts at hand: describe, exact text, table, chart"),
    Binding("f4", "choose_sampling", "System prompt and sampling of this conversation"),
    Binding("f9", "choose_model", "Models: what each takes, and change to another"),
    Binding("ctrl+g", "copy_answer", "Copy the last answer"),
    Binding("ctrl+s", "save_transcript", "Save the conversation as Markdown"),
    Binding("ctrl+n", "new_conversation", "New conversation"),
)
"""Of the chat."""

EVERYWHERE = (
    Binding("f1", "app.help", "Show all keys, or no longer", priority=True),
    Binding("ctrl+p", "app.command_palette", "Show every command by its name", priority=True),
    Binding("ctrl+c", "app.help_quit", "Copy what is selected with the mouse", system=True),
    Binding("ctrl+q", "app.quit", "Quit; the conversation is kept", priority=True),
)

_NAMES = {
    "escape": "Esc",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "plus": "+",
    "equals_sign": "=",
    "minus": "-",
    "underscore": "_",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
}


def meanings(bindings: Iterable[Binding]) -> dict[str, str]:
    """The action of each key."""
    return {key: binding.action for binding in bindings for key in binding.key.split(",")}


def key_name(keys: str) -> str:
    """The first of some keys as people write it: ctrl+o,f5 is Ctrl+O."""
    return "+".join(_NAMES.get(part, part.capitalize()) for part in keys.split(",")[0].split("+"))


def key_names(keys: str) -> str:
    """All of some keys as people write them: ctrl+o,f5 is Ctrl+O, F5."""
    return ", ".join(map(key_name, keys.split(",")))


def rows(bindings: Iterable[Binding]) -> list[tuple[str, str]]:
    """Keys and what they do; those that are described alike are one row."""
    keys: dict[str, dict[str, None]] = {}  # in order, each once
    for binding in bindings:
        keys.setdefault(binding.description, {}).update(dict.fromkeys(binding.key.split(",")))
    return [(key_names(",".join(same)), words) for words, same in keys.items()]

"""What is done with settings while the app runs."""

from dataclasses import replace
from typing import TYPE_CHECKING

from phi3v_tui import choices
from phi3v_tui.ui.model_view import cost_of_all, next_choice

if TYPE_CHECKING:
    from phi3v_tui.ui.screens.chat import ChatScreen

_SECONDS = 10


def change(chat: "ChatScreen", name: str, text: str) -> None:
    """Change a setting from the next answer on, and say so.

    Raises:
        SettingsError: There is no such setting, or it cannot take this value.
    """
    chat.apply(choices.change(chat.conversation, chat.settings, name, text))
    chat.notify(choices.told(chat.settings, name), timeout=_SECONDS, markup=False)


def change_crops(chat: "ChatScreen") -> None:
    """Cut pictures more or less finely, and say what they cost then."""
    limits = chat.attachment_bar.limits
    if limits is None:
        chat.notify("What pictures cost is known once the model has been loaded.")
        return
    limits = replace(limits, num_crops=next_choice(limits.num_crops))
    crops = str(limits.num_crops)
    chat.apply(choices.change(chat.conversation, chat.settings, "num_crops", crops))
    # One notice at a time: the key is pressed until the cost is right.
    chat.app.clear_notifications()
    pictures = [*chat.shown.pictures, *chat.attachment_bar.attachments]
    chat.notify(cost_of_all(pictures, limits), timeout=_SECONDS, markup=False)

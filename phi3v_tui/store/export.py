"""Transcripts: a conversation as a file for people or programs, its pictures beside it."""

import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.conversation import Conversation
from phi3v_tui.conversation.message import Role
from phi3v_tui.conversation.turns import Turn, TurnState
from phi3v_tui.errors import AttachmentError, StoreError
from phi3v_tui.paths import absolute
from phi3v_tui.store.markdown import as_quote, escaped

FORMAT = "phi3v-tui transcript"
FORMAT_VERSION = 1

_PictureFiles = dict[int, str | None]
"""Names of the picture files by picture number, relative to the transcript; None where a picture
cannot be read any more: the rest is kept without it."""


@dataclass(frozen=True)
class Transcript:
    """What was written.

    Attributes:
        file: The transcript.
        missing: Names of the pictures that could not be read any more.
    """

    file: Path
    missing: tuple[str, ...] = ()


def export_markdown(conversation: Conversation, target: Path) -> Transcript:
    """Write the shown path as Markdown, its pictures into `<name>-pictures/` beside it.

    Args:
        conversation: What to write.
        target: The wished-for file; where it exists, the next free name is taken.

    Raises:
        StoreError: It cannot be written.
    """
    return _export(conversation, target, _markdown)


def export_json(conversation: Conversation, target: Path) -> Transcript:
    """Write the shown path as JSON, its pictures into `<name>-pictures/` beside it.

    Args:
        conversation: What to write.
        target: The wished-for file; where it exists, the next free name is taken.

    Raises:
        StoreError: It cannot be written.
    """
    return _export(conversation, target, _json)


def _export(
    conversation: Conversation,
    target: Path,
    render: Callable[[Conversation, _PictureFiles], str],
) -> Transcript:
    target = absolute(target)
    pictures = _pictures(conversation)
    try:
        file, folder = _claim(target, bool(pictures))
        try:
            names = _write_pictures(pictures, folder)
            file.write_text(render(conversation, names), "utf-8", errors="replace")
        except OSError:
            file.unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)
            raise
    except OSError as error:
        if not os.path.isdir(target.parent):
            # Most likely a slip: a folder that was made for it would hide the transcript.
            raise StoreError(
                f"There is no folder {target.parent}.", "Create it first, or save elsewhere."
            ) from error
        raise StoreError(
            f"The transcript cannot be written to {target}: {error.strerror or error}.",
            "Free some space, or make the folder writable.",
        ) from error
    missing = (pictures[number].name for number, name in names.items() if name is None)
    return Transcript(file, tuple(missing))


def _claim(target: Path, with_pictures: bool) -> tuple[Path, Path]:
    """Create the first free file of `name.md`, `name-2.md`…, and its folder where asked for."""
    number = 1
    while True:
        stem = target.stem if number == 1 else f"{target.stem}-{number}"
        file = target.with_name(stem + target.suffix)
        folder = target.with_name(f"{stem}-pictures")
        number += 1
        if os.path.lexists(file) or os.path.lexists(folder):
            continue
        try:
            file.touch(exist_ok=False)
        except FileExistsError:  # another program was quicker
            continue
        if with_pictures:
            folder.mkdir()
        return file, folder


def _pictures(conversation: Conversation) -> dict[int, Attachment]:
    """The path's pictures by number."""
    numbers = conversation.picture_numbers()
    return {
        number: attachment
        for turn in conversation.path()
        for number, attachment in zip(numbers[turn.id], turn.message.attachments, strict=True)
    }


def _write_pictures(pictures: dict[int, Attachment], folder: Path) -> _PictureFiles:
    names: _PictureFiles = {}
    for number, attachment in pictures.items():
        try:
            held = attachment.held()
            name = _file_name(number, held)
        except AttachmentError:
            names[number] = None
            continue
        (folder / name).write_bytes(held.data)
        names[number] = f"{folder.name}/{name}"
    if pictures and not any(names.values()):
        folder.rmdir()
    return names


def _file_name(number: int, attachment: Attachment) -> str:
    """A name that every file system takes, with the suffix of the real format."""
    stem = re.sub(r"[^\w.-]+", "_", Path(attachment.name).stem).strip("._")
    return f"{number}-{stem[:60]}".rstrip("-") + attachment.suffix


_SPEAKERS = {Role.USER: "You", Role.ASSISTANT: "Reply", Role.SYSTEM: "System"}

_NOTES = {
    TurnState.IN_PROGRESS: "Not finished yet.",
    TurnState.LENGTH: "Ended at the longest length set.",
    TurnState.CONTEXT: "Ended where the context was full.",
    TurnState.CANCELLED: "Stopped.",
    TurnState.FAILED: "Failed.",
    TurnState.INTERRUPTED: "Interrupted: the app ended.",
}


def _markdown(conversation: Conversation, names: _PictureFiles) -> str:
    numbers = conversation.picture_numbers()
    parts = [
        f"# {escaped(conversation.title)}",
        f"A conversation of {conversation.created.astimezone():%Y-%m-%d %H:%M} in phi3v-tui.",
    ]
    if conversation.system_prompt:
        parts += ["## System", escaped(conversation.system_prompt)]
    for turn in conversation.path():
        parts += _turn_markdown(turn, {number: names[number] for number in numbers[turn.id]})
    return "\n\n".join(part for part in parts if part) + "\n"


def _turn_markdown(turn: Turn, names: _PictureFiles) -> list[str]:
    message = turn.message
    pictures = [
        _picture_markdown(f"Picture {number}: {escaped(attachment.name)}", file)
        for (number, file), attachment in zip(names.items(), message.attachments, strict=True)
    ]
    # What was typed is no Markdown; what the model wrote is.
    text = escaped(message.text) if message.role is Role.USER else as_quote(message.text)
    note = _NOTES.get(turn.state)
    return [
        f"## {_SPEAKERS[message.role]}",
        *pictures,
        text if message.text.strip() else "",
        f"*{note}*" if note else "",
    ]


def _picture_markdown(words: str, file: str | None) -> str:
    if file is None:
        return f"*{words} (it could not be read any more)*"
    return f"![{words}]({quote(os.fsencode(file))})"


def _json(conversation: Conversation, names: _PictureFiles) -> str:
    numbers = conversation.picture_numbers()
    transcript = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "id": conversation.id,
        "title": conversation.title,
        "created": conversation.created.isoformat(),
        "system_prompt": conversation.system_prompt,
        "turns": [
            _turn_json(turn, {number: names[number] for number in numbers[turn.id]})
            for turn in conversation.path()
        ],
    }
    return json.dumps(transcript, ensure_ascii=False, indent=2) + "\n"


def _turn_json(turn: Turn, names: _PictureFiles) -> dict[str, Any]:
    message = turn.message
    return {
        "id": turn.id,
        "parent_id": turn.parent_id,
        "role": message.role,
        "text": message.text,
        "state": turn.state,
        "created": turn.created.isoformat(),
        "pictures": [
            {
                "number": number,
                "file": file,
                "name": attachment.name,
                "sha256": attachment.digest,
                "width": attachment.width,
                "height": attachment.height,
            }
            for (number, file), attachment in zip(names.items(), message.attachments, strict=True)
        ],
    }

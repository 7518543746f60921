"""What can be done now, in a few words below the composer."""

from phi3v_tui import slash

_TYPING = "Enter sends · Ctrl+J new line"
_WITH_PICTURES = "Enter sends · Backspace takes the picture back"
_ANSWERING = "Esc stops the answer"
_MOST_NAMED = 6


def hint(text: str, is_answering: bool, has_pictures: bool) -> str:
    """What fits the moment.

    Args:
        text: What is typed: it may become a command.
        is_answering: Whether there is an answer to stop.
        has_pictures: Whether pictures would go with the prompt.
    """
    commands = slash.matching(text)
    if len(commands) == 1:
        return f"{commands[0].usage}: {commands[0].help}"
    if commands:
        names = [f"/{command.name}" for command in commands[:_MOST_NAMED]]
        return " ".join([*names, "…"] if len(commands) > _MOST_NAMED else names)
    if is_answering:
        return _ANSWERING
    return _WITH_PICTURES if has_pictures and not text else _TYPING

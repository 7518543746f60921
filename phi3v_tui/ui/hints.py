"""What can be done now, in a few words below the composer."""

from phi3v_tui import slash

_TYPING = "Enter sends · Ctrl+J new line"
_MOST_NAMED = 6


def typing_hint(text: str) -> str:
    """What fits the text that is typed: the commands that it can become, or the usual keys."""
    commands = slash.matching(text)
    if len(commands) == 1:
        return f"{commands[0].usage}: {commands[0].help}"
    if commands:
        names = [f"/{command.name}" for command in commands[:_MOST_NAMED]]
        return " ".join([*names, "…"] if len(commands) > _MOST_NAMED else names)
    return _TYPING

"""The app's own colours: dark, light and high contrast."""

from typing import Any

from textual.theme import BUILTIN_THEMES, Theme

AUTO = "auto"
"""In the settings: the theme that was chosen last."""


def _theme(
    name: str,
    dark: bool,
    muted: str,
    line: str,
    frame: str,
    raised: str,
    hover: str,
    **colours: Any,
) -> Theme:
    """A theme of few colours.

    Args:
        name: For the settings and the palette.
        dark: Whether its background is.
        muted: For words that matter less.
        line: Of tables and scrollbars, and around what has not the keys.
        frame: Around what has the keys.
        raised: Behind the chosen row.
        hover: A scrollbar under the mouse.
        colours: By Textual's names.
    """
    ground, words, primary = colours["background"], colours["foreground"], colours["primary"]
    bar = {f"scrollbar-{part}": ground for part in ("background", "corner-color")}
    bar |= {f"scrollbar-background-{state}": ground for state in ("hover", "active")}
    bar |= {"scrollbar": line, "scrollbar-hover": hover, "scrollbar-active": primary}
    cursor = {
        "block-cursor-background": raised,
        "block-cursor-foreground": words,
        # Told from the other rows where there are no colours too.
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-text-style": "bold",
        "block-cursor-blurred-background": raised,
        "input-selection-background": f"{primary} 30%",
    }
    variables = {"muted": muted, "line": line, "frame": frame, **bar, **cursor}
    return Theme(name=name, dark=dark, variables=variables, **colours)


DARK = _theme(
    "phi3v-dark",
    dark=True,
    muted="#99a0b2",
    line="#3f4758",
    frame="#5d749c",
    raised="#303644",
    hover="#48506a",
    primary="#8fb3f5",
    secondary="#86cfb8",
    accent="#e6b673",
    warning="#e6b673",
    error="#ef8a8a",
    success="#86cfb8",
    foreground="#d9dce3",
    background="#14161b",
    surface="#1b1e25",
    panel="#262a34",
)

LIGHT = _theme(
    "phi3v-light",
    dark=False,
    muted="#575a63",
    line="#aaa596",
    frame="#5f7fc4",
    raised="#d6d2c6",
    hover="#b5b0a2",
    primary="#2c59b0",
    secondary="#0f6f5a",
    accent="#844b00",
    warning="#844b00",
    error="#b3261e",
    success="#0f6f5a",
    foreground="#22252c",
    background="#fbfaf7",
    surface="#f2f0ea",
    panel="#e4e1d8",
)

CONTRAST = _theme(
    "phi3v-contrast",
    dark=True,
    muted="#dddddd",
    line="#c0c0c0",
    frame="#ffff00",
    raised="#003cc8",
    hover="#ffffff",
    primary="#ffff00",
    secondary="#00ffff",
    accent="#ffff00",
    warning="#ffff00",
    error="#ff9090",
    success="#00ff80",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#303030",
)

OWN = (DARK, LIGHT, CONTRAST)


def known_themes() -> frozenset[str]:
    """The names of every theme: the app's own, and Textual's."""
    return frozenset(BUILTIN_THEMES) | {theme.name for theme in OWN}

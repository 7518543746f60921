"""The Textual app, and how it is started.

`run` is the only entry. The command line calls it like this, and imports this module only then:

    from phi3v_tui.ui.app import run
    from phi3v_tui.interface.terminal import leave

    leave(run(engine, settings, models, pictures, resume))

`run` does everything to the terminal by itself (tty checks, stray output to the log file,
signals). The engine must be cheap to construct: it starts no thread and imports no torch before
`engine.load` is called, which happens after the first paint. `run` closes it. When `run` returns,
everything is saved; `leave` then ends the process at once, because a thread that is still inside
torch would abort an ordinary exit.
"""

import asyncio
import gc
import os
import socket
import sys
from collections.abc import Iterable, Sequence

from textual import events, work
from textual.app import App, SystemCommand
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.theme import Theme

from phi3v_tui.conversation.patterns import Source
from phi3v_tui.conversation.unicode_text import encodable
from phi3v_tui.engine.base import Engine
from phi3v_tui.engine.collect import close_soon
from phi3v_tui.engine.models import Models
from phi3v_tui.interface import clipboard, terminal, terminal_query
from phi3v_tui.interface.plain_text import drawable
from phi3v_tui.interface.terminal import ImageMode
from phi3v_tui.interface.terminal_query import Known
from phi3v_tui.remembered import Remembered
from phi3v_tui.settings import Settings
from phi3v_tui.ui import cell_size, commands, themes
from phi3v_tui.ui.key_order import KeyOrder, as_pressed
from phi3v_tui.ui.keys import EVERYWHERE
from phi3v_tui.ui.screens.chat import ChatScreen
from phi3v_tui.ui.screens.help import HelpScreen
from phi3v_tui.ui.widgets.status_bar import StatusBar

_TOLD_OF_SSH = "told_of_ssh"
_FAULT = 1
_FAULT_MESSAGE = (
    "phi3v-tui ended because of a fault of its own; what was said is kept (phi3v-tui --resume). "
    "Please report it with the end of {log_path}"
)


class Phi3VApp(App[int]):
    """The app around the chat: theme, palette, clipboard, end."""

    TITLE = "phi3v-tui"
    CSS_PATH = "app.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-tight"), (64, "-narrow"), (110, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (22, "-high")]
    BINDINGS = [*EVERYWHERE]

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        models: Models,
        pictures: Sequence[Source] = (),
        resume: bool = False,
        image_mode: ImageMode = ImageMode.HALFCELL,
    ) -> None:
        """Make the app; arguments as in `run`.

        Args:
            engine: Not loaded yet.
            settings: As resolved.
            models: Those that could answer.
            pictures: Files and addresses to attach to the first prompt.
            resume: Reopen the last conversation.
            image_mode: How pictures are drawn.
        """
        super().__init__()
        self.chat = ChatScreen(engine, settings, models, pictures, resume, image_mode)
        for theme in themes.OWN:
            self.register_theme(theme)
        self._key_order = KeyOrder(self, super().on_event)
        self._remembered = Remembered(settings.remembered_path)
        self._asked_theme = settings.theme
        self._has_noticed = False
        if settings.slow_link:
            self.animation_level = "none"
        self.theme = self._first_theme()

    def _first_theme(self) -> str:
        wished = (self._asked_theme, self._remembered.get("theme"))
        known = (name for name in wished if name in self.available_themes)
        return next(known, themes.DARK.name)

    def get_default_screen(self) -> Screen:
        """Start with the chat."""
        return self.chat

    def get_css_variables(self) -> dict[str, str]:
        """Give Textual's own themes the colours that only ours name."""
        variables = super().get_css_variables()
        variables.setdefault("muted", variables["foreground-muted"])
        variables.setdefault("line", variables["panel"])
        variables.setdefault("frame", variables["primary"])
        self.theme_variables = variables
        return variables

    async def on_event(self, event: events.Event) -> None:
        """Take what is typed in its order."""
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            for pressed in as_pressed(event, self.screen.active_bindings):
                await self._key_order.take(pressed)
        else:
            await super().on_event(event)

    def on_mount(self) -> None:
        """Say what people should know at the start; remember the theme that is chosen."""
        self.theme_changed_signal.subscribe(self, self._remember_theme)
        if self._asked_theme not in (themes.AUTO, *self.available_themes):
            self.notify(
                f"There is no theme {self._asked_theme}. Ctrl+P, Change the theme, lists them.",
                severity="warning",
                timeout=10,
                markup=False,
            )

        self._warn_of_lost_lines()

    def on_ready(self) -> None:
        """Let the chat begin once something is painted, which may be another screen by then."""
        self.chat.call_later(self.chat.begin)

    def _warn_of_lost_lines(self) -> None:
        words = terminal.word_for_ssh(os.environ, socket.gethostname())
        if words and not self._remembered.get(_TOLD_OF_SSH):
            self._remembered.set(_TOLD_OF_SSH, "yes")
            self.notify(words, title="Over SSH, without tmux", timeout=12, markup=False)

    def _remember_theme(self, theme: Theme) -> None:
        self._remembered.set("theme", theme.name)
        if self._asked_theme not in (themes.AUTO, theme.name):
            self.notify(
                f"The settings ask for {self._asked_theme}: it comes back at the next start. "
                f'With theme = "auto" in config.toml your choice stays.',
                timeout=10,
                markup=False,
            )

    def get_system_commands(self, screen: Screen) -> Iterable[SystemCommand]:
        """Fill the command palette."""
        return commands.commands(self, screen)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Show a notice; what it quotes of files and servers is drawn and never obeyed."""
        self._has_noticed = True
        super().notify(
            drawable(message),
            title=drawable(title),
            severity=severity,
            timeout=timeout,
            markup=markup,
        )

    def clear_notifications(self) -> None:
        """Remove all notices, and the rows that Textual would keep for them."""
        if not self._has_noticed:
            return
        self._has_noticed = False
        super().clear_notifications()
        for screen in self.screen_stack:
            screen.query("ToastHolder").remove()

    def copy_to_clipboard(self, text: str) -> None:
        """Copy by OSC 52, and by tmux or a program of the desktop where there is one; say which."""
        text = encodable(text)
        super().copy_to_clipboard(text)
        self._copy_by_program(text)

    @work
    async def _copy_by_program(self, text: str) -> None:
        program = await asyncio.to_thread(clipboard.copy_by_program, text, os.environ)
        self.notify(clipboard.describe(program))

    async def action_quit(self) -> None:
        """Quit, but not at once where that would lose the conversation."""
        if self.chat.opening.may_discard("Ctrl+Q"):
            self.exit()

    def action_help(self) -> None:
        """Show all keys, those of the screen first; or show them no longer."""
        if isinstance(self.screen, HelpScreen):
            self.screen.dismiss()
        else:
            self.push_screen(HelpScreen(type(self.screen)))

    def action_explain_figures(self) -> None:
        """Say what the figures in the last line are."""
        self.push_screen(HelpScreen(StatusBar))

    def action_help_quit(self) -> None:
        """Answer Ctrl+C, which would be too easy a way to lose a conversation."""
        self.clear_notifications()
        self.notify("Ctrl+Q quits. Esc stops the answer. With text selected, Ctrl+C copies it.")

    def on_unmount(self) -> None:
        """Save, however the app ends."""
        self.chat.save_before_leaving()


def _image_mode(settings: Settings) -> ImageMode:
    def ask() -> Known | None:
        known = terminal_query.ask(0, os.environ)
        cell_size.remember(known.cell if known else None)
        return known

    asked = ImageMode(settings.image_mode)
    if asked is ImageMode.SIXEL:
        ask()  # it is drawn to measure
    return terminal.choose_image_mode(asked, os.environ, settings.slow_link, ask)


def run(
    engine: Engine,
    settings: Settings,
    models: Models,
    pictures: Sequence[Source],
    resume: bool,
) -> int:
    """Show the app until the person leaves.

    Args:
        engine: Not loaded yet.
        settings: As resolved from flags, environment, file and defaults.
        models: Those that could answer, to be changed to and downloaded.
        pictures: Files and addresses to attach to the first prompt.
        resume: Reopen the last conversation.

    Returns:
        The process's exit status: 0, 2 where there is no terminal to draw on, 128 + the signal
        that ended it, else an error.
    """
    try:
        screen = terminal.require_terminal(os.environ)
    except terminal.TerminalError as error:
        print(f"phi3v-tui: {error}", file=sys.stderr)
        return 2
    terminal.quieten_libraries()
    terminal.log_stray_output(screen)
    mode = _image_mode(settings)
    app = Phi3VApp(engine, settings, models, pictures, resume, mode)
    # What was imported stays to the end: it is not searched for garbage while an answer streams.
    gc.freeze()
    terminal.watch_signals(lambda status: app.call_from_thread(app.exit, return_code=status))
    app.run()
    close_soon(app.chat.engine)
    if app.return_code == _FAULT:
        print(_FAULT_MESSAGE.format(log_path=terminal.log_path()), file=sys.__stderr__)
    return app.return_code or 0

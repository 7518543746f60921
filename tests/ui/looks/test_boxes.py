"""How what is asked and listed above the chat looks."""

from datetime import UTC, datetime, timedelta
from itertools import count
from types import SimpleNamespace

import pytest
from textual.widgets import OptionList

from phi3v_tui.engine.base import Limits
from phi3v_tui.store import rows
from phi3v_tui.ui.screens.choice import ChoiceScreen
from phi3v_tui.ui.screens.context_full import ContextFullScreen
from phi3v_tui.ui.screens.conversation_form import ConversationFormScreen
from phi3v_tui.ui.screens.download_offer import DownloadOfferScreen
from phi3v_tui.ui.screens.help import HelpScreen
from phi3v_tui.ui.screens.models import ModelList, ModelsScreen
from phi3v_tui.ui.screens.sessions import SessionsScreen
from tests.ui.looks.scene import LOOKS, NARROW_CONTRAST, State, press_for
from tests.ui.scripted_engine import LIMITS, ScriptedEngine
from tests.ui.scripted_full_model import ScriptedFullModel
from tests.ui.scripted_models import ScriptedModels
from tests.ui.steps import answers, submit, talk, wait_until

TALKS = (
    ("What is in this picture?", "A harbour with cranes."),
    ("Read the table, and write it as Markdown, cell by cell, without leaving any out", "| a |"),
    ("Which bar is the highest?", "The third one."),
)


@pytest.fixture(autouse=True)
def _days_pass(monkeypatch):
    """Every time that a conversation is written is a day and some later than the one before."""
    days = count()

    def now(zone) -> datetime:
        return datetime(2024, 3, 1, 9, 5, tzinfo=UTC) + next(days) * timedelta(days=1, minutes=17)

    clock = SimpleNamespace(now=now, fromisoformat=datetime.fromisoformat)
    monkeypatch.setattr(rows, "datetime", clock)


async def _fill(pilot) -> None:
    app, engine = pilot.app, pilot.app.chat.engine
    await wait_until(pilot, lambda: app.chat.attachment_bar.limits)
    for question, answer in (TALKS[0], TALKS[2]):
        await talk(pilot, app, engine, question, answer)
    await submit(pilot, app, "Describe every bar in full. " * 3)
    await wait_until(pilot, lambda: isinstance(app.screen, ContextFullScreen))


async def _list_conversations(pilot) -> None:
    app = pilot.app
    for question, answer in TALKS:
        await pilot.press("ctrl+n")
        await wait_until(pilot, lambda: not answers(app))
        await talk(pilot, app, app.chat.engine, question, answer)
    await press_for(pilot, "ctrl+l", SessionsScreen)
    await wait_until(pilot, lambda: app.screen.query_one(OptionList).option_count == len(TALKS))
    await pilot.press("down")


async def _form(pilot) -> None:
    await press_for(pilot, "f4", ConversationFormScreen)


async def _wrong_form(pilot) -> None:
    await _form(pilot)
    await pilot.press("tab", *"9", "ctrl+s")


async def _help(pilot) -> None:
    await press_for(pilot, "f1", HelpScreen)


async def _prompts(pilot) -> None:
    await press_for(pilot, "f8", ChoiceScreen)


async def _offer(pilot) -> None:
    await wait_until(pilot, lambda: isinstance(pilot.app.screen, DownloadOfferScreen))


async def _models(pilot) -> None:
    await press_for(pilot, "f9", ModelsScreen)
    options = pilot.app.screen.query_one(ModelList)
    await wait_until(pilot, lambda: options.option_count)
    await pilot.press("down", "right")


STATES = {
    "context-full": State(
        _fill, engine=lambda: ScriptedEngine(limits=Limits(24, LIMITS.crop_size, 16))
    ),
    "conversations": State(_list_conversations),
    "form": State(_form),
    "form-error": State(_wrong_form),
    "help": State(_help),
    "prompts": State(_prompts),
    "offer": State(_offer, models=lambda: ScriptedModels(full_model=ScriptedFullModel())),
    "models": State(_models),
}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("state", STATES)
def test_box(shows, state, look):
    assert shows(STATES[state], LOOKS[look])


def test_models_in_high_contrast(shows):
    assert shows(STATES["models"], NARROW_CONTRAST)

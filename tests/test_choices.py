"""What a conversation goes by."""

import pytest

from phi3v_tui import choices
from phi3v_tui.conversation.conversation import Conversation
from phi3v_tui.conversation.sampling import SamplingParams
from phi3v_tui.errors import SettingsError
from phi3v_tui.settings import Settings


def test_a_conversation_keeps_what_is_chosen_while_it_is_open():
    conversation, settings = Conversation("Be brief."), Settings(top_p=0.9)
    for name, text in (("temperature", "0.5"), ("num-crops", "4"), ("system_prompt", "Be kind.")):
        settings = choices.change(conversation, settings, name, text)
    assert conversation.sampling == SamplingParams(temperature=0.5, top_p=0.9)
    assert (conversation.num_crops, conversation.system_prompt) == (4, "Be kind.")
    assert choices.differences(conversation, settings) == ""
    assert choices.differences(conversation, Settings(top_p=0.9)) == (
        "temperature 0.5 · num_crops 4 · own system prompt"
    )
    elsewhere = Settings(num_crops=16)
    assert choices.sampling(conversation, elsewhere).temperature == 0.5
    assert choices.num_crops(conversation, elsewhere) == 4


def test_what_is_said_last_holds_and_only_for_what_it_names():
    conversation = Conversation(sampling=SamplingParams(temperature=0.7, seed=3))
    settings = choices.change(conversation, Settings(temperature=0.0), "temperature", "0")
    assert choices.sampling(conversation, settings) == SamplingParams(temperature=0.0, seed=3)
    assert choices.differences(conversation, settings) == "seed 3"


def test_what_makes_no_sense_changes_nothing():
    conversation = Conversation()
    with pytest.raises(SettingsError):
        choices.change(conversation, Settings(), "temperature", "hot")
    assert conversation.sampling is None

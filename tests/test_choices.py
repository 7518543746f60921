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


@pytest.mark.parametrize(
    ("typed", "value", "words"),
    [
        ("temperature", "0.50", "temperature is 0.5 from"),
        ("Num-Crops", "default", "num_crops is default from"),
        ("system_prompt", "", "system_prompt is empty from"),
    ],
)
def test_what_was_changed_is_told_with_how_long_it_holds(typed, value, words):
    settings = choices.change(Conversation("Be brief."), Settings(), typed, value)
    told = choices.told(settings, typed)
    assert words in told
    assert "this conversation" in told
    assert "until the program ends" in told


def test_what_is_in_force_has_the_choices_of_the_conversation():
    conversation = Conversation("Be kind.", sampling=SamplingParams(temperature=0.7), num_crops=4)
    now = choices.in_force(conversation, Settings(context=512, temperature=0.1, num_crops=9))
    assert now == Settings(context=512, temperature=0.7, num_crops=4, system_prompt="Be kind.")


def test_what_makes_no_sense_changes_nothing():
    conversation = Conversation()
    with pytest.raises(SettingsError):
        choices.change(conversation, Settings(), "temperature", "hot")
    assert conversation.sampling is None

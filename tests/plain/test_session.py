"""Asking, stopping, failing and coming back, line by line."""

import pytest

from phi3v_tui.conversation.conversation import Conversation
from phi3v_tui.conversation.sampling import SamplingParams
from phi3v_tui.conversation.turns import TurnState
from phi3v_tui.engine.events import FinishReason
from phi3v_tui.errors import ContextFullError, ModelError
from phi3v_tui.interface.picture_files import read_picture
from phi3v_tui.store.history import History
from tests.plain.conftest import PromptEngine


def stored(settings):
    return History(settings.history_path).latest()


def replies(settings):
    return [(t.message.text, t.state) for t in stored(settings).path()[1::2]]


def test_prompts_are_answered_one_after_the_other(hold, settings):
    engine = PromptEngine()
    held = hold("What is this?", "", "  ", "And that?", engine=engine)
    assert held.out == "Scripted-vision:\nAnswer 1.\nScripted-vision:\nAnswer 2.\n"
    assert "Scripted-vision on cpu is ready. A small one." in held.states
    assert "1 token in 1.5 seconds; context 4 of 8,192." in held.states
    assert [m.text for m in engine.requests[1].messages] == [
        "What is this?",
        "Answer 1.",
        "And that?",
    ]
    assert replies(settings) == [("Answer 1.", TurnState.STOP), ("Answer 2.", TurnState.STOP)]
    assert held.session.failures == 0


def test_a_backslash_goes_on_in_the_next_line(hold):
    engine = PromptEngine()
    hold("First\\", "second\\", "third", engine=engine)
    assert engine.requests[0].messages[-1].text == "First\nsecond\nthird"


def test_nothing_is_obeyed_by_a_terminal(hold):
    def colour(engine):
        engine.say("\x1b[31mred\x07. ", "Done")
        engine.finish()

    held = hold("Hi", engine=PromptEngine(colour))
    assert "\x1b" not in held.out + held.states
    assert "red" in held.out


def test_pictures_go_with_the_next_prompt(hold, picture):
    engine = PromptEngine()
    held = hold(f"'{picture}'", "What is it?", "And now?", engine=engine, pictures=[picture])
    assert "Picture 1 attached: my shapes.png, 64\N{MULTIPLICATION SIGN}48 pixels." in held.states
    assert "Picture 2 attached" in held.states
    assert [len(m.attachments) for m in engine.requests[1].messages] == [2, 0, 0]


def test_a_file_that_is_no_picture_is_told_and_counted(hold, tmp_path):
    (tmp_path / "no.png").write_text("text")
    held = hold(pictures=[tmp_path / "no.png"])
    assert "no.png" in held.states
    assert held.session.failures == 1


def test_ctrl_c_stops_the_answer_and_keeps_what_has_come(hold, settings):
    def endless(engine):
        engine.say("It is a circle. ", "And so")
        engine.interrupt()

    engine = PromptEngine(endless)
    held = hold("What is it?", "Go on", engine=engine)
    assert "It is a circle. And so\n" in held.out
    assert "Stopped; what has come is kept." in held.states
    assert replies(settings)[0] == ("It is a circle. And so", TurnState.CANCELLED)
    assert len(engine.requests) == 2


def test_ctrl_c_before_anything_came_gives_the_pictures_back(hold, picture):
    engine = PromptEngine(lambda engine: engine.interrupt())
    held = hold("What?", "What is it?", engine=engine, pictures=[picture])
    assert "Stopped before the answer began." in held.states
    assert [(m.text, len(m.attachments)) for m in engine.requests[1].messages] == [
        ("What is it?", 1)
    ]


def test_a_prompt_waits_for_the_model_and_can_be_taken_back(hold, picture):
    class Slow(PromptEngine):
        def load(self, emit):
            super().load(emit)
            self.interrupt()  # reaches the first prompt, which waits

    engine = Slow(loaded=False)
    held = hold("One", engine.finish_loading, "Two", engine=engine, pictures=[picture])
    said = held.states.splitlines()
    assert said.index("Taken back. The model goes on loading.") < said.index(
        "Scripted-vision on cpu is ready. A small one."
    )
    assert [(m.text, len(m.attachments)) for m in engine.requests[0].messages] == [("Two", 1)]


def test_a_failure_is_told_and_the_conversation_goes_on(hold, settings):
    def fail(engine):
        engine.fail(ContextFullError("The prompt is too long.", "Shorten it."))

    def break_off(engine):
        engine.say("Half")
        engine.fail(ModelError("The memory is full.", "Close something."))

    held = hold("Long", "Shorter", "Next", engine=PromptEngine(fail, break_off))
    assert "The prompt is too long. Shorten it." in held.states
    assert "Broken off; what has come is kept.\nThe memory is full." in held.states
    assert held.session.failures == 2
    assert replies(settings) == [("Half", TurnState.FAILED), ("Answer 3.", TurnState.STOP)]


def test_without_a_model_every_prompt_says_so(hold):
    class NoModel(PromptEngine):
        def load(self, emit):
            super().load(emit)
            self.fail_loading(ModelError("There is no such model.", "Choose another."))

    held = hold("One", "Two", engine=NoModel(loaded=False))
    assert held.states.count("There is no such model. Choose another.") >= 2
    assert held.session.failures == 2


@pytest.mark.parametrize(
    ("reason", "way_out"),
    [(FinishReason.LENGTH, "/set max_new_tokens"), (FinishReason.CONTEXT, "is full. /new")],
)
def test_an_answer_that_is_cut_off_says_how_to_go_on(hold, reason, way_out):
    def long(engine):
        engine.say("Once upon")
        engine.finish(reason)

    assert way_out in hold("Hi", engine=PromptEngine(long)).states


def test_the_conversation_is_there_again(hold):
    hold("First question")
    engine = PromptEngine()
    held = hold("Second question", engine=engine, resume=True)
    assert "Reopened: First question (2 messages" in held.states
    assert held.out.startswith("You:\nFirst question\nScripted-vision:\nAnswer 1.\n")
    assert [m.text for m in engine.requests[0].messages] == [
        "First question",
        "Answer 1.",
        "Second question",
    ]


def test_what_was_chosen_in_the_app_holds_here_too(hold, settings, picture):
    conversation = Conversation("Be brief.", sampling=SamplingParams(temperature=0.7), num_crops=4)
    for number in range(3):
        conversation.append_user(f"Question {number}", (read_picture(picture),))
        left_out = 2 if number == 2 else 0
        reply = conversation.append_reply(model="Phi", left_out=left_out)
        conversation.update_reply(reply.id, f"Answer {number}", TurnState.STOP)
    other = conversation.append_reply(conversation.path()[-2].id, "Phi", 2)
    conversation.update_reply(other.id, "Another answer", TurnState.STOP)
    conversation.select(reply.id)
    History(settings.history_path).save(conversation)

    engine = PromptEngine()
    held = hold("And now?", "/retry", engine=engine, resume=True)
    assert held.out.startswith("You, with my shapes.png:\nQuestion 2\nPhi:\nAnswer 2\n")
    assert "It goes by temperature 0.7 · num_crops 4 · own system prompt." in held.states
    for request in engine.requests:
        assert (request.sampling.temperature, request.num_crops) == (0.7, 4)
        assert [m.text for m in request.messages] == [
            *("Be brief.", "Question 1", "Answer 1", "Question 2", "Answer 2", "And now?")
        ]
    path = stored(settings).path()
    assert [turn.message.text for turn in path[-3:]] == ["Answer 2", "And now?", "Answer 2."]
    assert (path[-1].model, path[-1].left_out) == ("Scripted-vision", 2)
    assert len(stored(settings).siblings(path[-1].id)) == 2
    assert len(stored(settings).siblings(reply.id)) == 2


def test_what_is_chosen_here_is_kept(hold, settings):
    hold("Hi", "/set temperature 0.7", "/crops 4", "/system Be brief.")
    kept = stored(settings)
    assert kept.sampling is not None
    assert (kept.sampling.temperature, kept.num_crops) == (0.7, 4)
    assert kept.system_prompt == "Be brief."
    assert "temperature = 0.7" in hold("/set", resume=True).out


def test_resuming_without_a_conversation_begins_one(hold):
    assert "no earlier conversation" in hold(resume=True).states


def test_a_full_disk_is_told_once_and_talk_goes_on(hold, settings):
    settings.data_dir.parent.mkdir(exist_ok=True)
    settings.data_dir.write_text("in the way")
    held = hold("One", "Two")
    assert "Answer 2." in held.out
    assert held.session.failures == 1

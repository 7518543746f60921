"""Slash commands, line by line."""

import os
import signal
import threading

import pytest
from PIL import Image

from phi3v_tui import slash
from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.errors import AttachmentError
from phi3v_tui.plain import commands
from tests.plain.conftest import PromptEngine
from tests.support.clipboard_programs import ClipboardPrograms


def test_every_command_of_the_table_can_be_run():
    assert commands._RUN.keys() == {command.name for command in slash.COMMANDS}


def test_attach_and_detach(hold, picture):
    engine = PromptEngine()
    held = hold(
        f"/attach {picture}",
        f"/attach {picture.parent}/*.png",
        "/detach",
        "What is it?",
        "/detach",
        engine=engine,
    )
    assert "Taken back: my shapes.png." in held.states
    assert "No picture is attached." in held.states
    assert len(engine.requests[0].messages[-1].attachments) == 1


def test_settings_hold_from_the_next_answer_on(hold):
    engine = PromptEngine()
    held = hold(
        "/set temperature 0.4",
        "/crops 4",
        "/system Be brief.",
        "/set temperature hot",
        "/set",
        "Hi",
        engine=engine,
    )
    request = engine.requests[0]
    assert (request.sampling.temperature, request.num_crops) == (0.4, 4)
    assert request.messages[0].text == "Be brief."
    assert "a number from 0 to 2" in held.states
    assert "temperature = 0.4\n" in held.out


def test_retry_answers_again(hold):
    engine = PromptEngine()
    held = hold("Hi", "/retry", engine=engine)
    assert "Answer 2." in held.out
    assert [m.text for m in engine.requests[1].messages] == ["Hi"]
    assert hold("/retry").session.failures == 1


def test_retry_of_a_prompt_to_which_nothing_came_asks_it_with_its_pictures(hold, picture):
    engine = PromptEngine(lambda engine: engine.interrupt())
    hold("What is it?", "/retry", engine=engine, pictures=[picture])
    (message,) = engine.requests[1].messages
    assert (message.text, len(message.attachments)) == ("What is it?", 1)


def test_a_retry_that_is_stopped_leaves_the_answer_before(hold):
    engine = PromptEngine(
        lambda engine: (engine.say("First."), engine.finish()),
        lambda engine: engine.interrupt(),
    )
    held = hold("Hi", "/retry", "Go on", engine=engine)
    assert [m.text for m in engine.requests[2].messages] == ["Hi", "First.", "Go on"]
    assert held.session.attachments == ()


def test_new_and_resume(hold):
    engine = PromptEngine()
    held = hold("First thing", "/new", "Other", "/resume first", "/resume nowhere", engine=engine)
    assert [m.text for m in engine.requests[1].messages] == ["Other"]
    assert "Reopened: First thing" in held.states
    assert "No earlier conversation has 'nowhere'" in held.states
    assert held.session.conversation.title == "First thing"


def test_save_writes_the_file_that_was_named(hold, tmp_path):
    held = hold("/save", "Hi", f"/save {tmp_path}/talk.md", f"/save {tmp_path}/no/such/talk.md")
    assert "There is nothing to save yet." in held.states
    assert "talk.md" in held.states
    assert "Answer 1." in (tmp_path / "talk.md").read_text()
    assert f"There is no folder {tmp_path}/no/such. Create it first" in held.states
    assert held.session.failures == 2


def test_save_tells_which_pictures_are_not_in_it(hold, picture, tmp_path, monkeypatch):
    def gone(attachment):
        raise AttachmentError(f"{attachment.name} is gone.", "")

    def lose():
        monkeypatch.setattr(Attachment, "data", property(gone))

    held = hold(f"/attach {picture}", "Hi", lose, f"/save {tmp_path}/talk.md")
    assert "Not in it, as it cannot be read any more: my shapes.png." in held.states


def test_copy_takes_a_program_or_says_that_there_is_none(hold, monkeypatch, tmp_path):
    for name in ("TMUX", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "There is no clipboard here." in hold("Hi", "/copy").states
    program = tmp_path / "pbcopy"
    program.write_text(f"#!/bin/sh\n/bin/cat > {tmp_path}/copied\n")
    program.chmod(0o755)
    assert "Copied by pbcopy." in hold("Hi", "/copy").states
    assert (tmp_path / "copied").read_text() == "Answer 1."


def test_help_lists_the_table_and_quit_ends(hold):
    engine = PromptEngine()
    held = hold("/help", "/quit", "Never asked", engine=engine)
    assert all(command.usage in held.out for command in slash.COMMANDS)
    assert engine.requests == []


@pytest.mark.parametrize(("line", "asked"), [("//new?", "/new?"), ("/usr is what?", None)])
def test_what_only_looks_like_a_command_is_asked(hold, line, asked):
    engine = PromptEngine()
    hold(line, engine=engine)
    assert engine.requests[0].messages[-1].text == (asked or line)


def test_an_unknown_command_is_told(hold):
    engine = PromptEngine()
    held = hold("/nwe", engine=engine)
    assert "Did you mean /new?" in held.states
    assert engine.requests == []


def test_paste_attaches_what_is_on_the_clipboard(hold, picture, monkeypatch, tmp_path):
    programs = ClipboardPrograms(tmp_path / "bin", monkeypatch)
    engine = PromptEngine()
    assert "There is no clipboard where there is no display" in hold("/paste").states
    programs.session(DISPLAY=":0")
    programs.offer("xclip", image_png=picture.read_bytes())
    held = hold("/paste", "What is it?", engine=engine)
    assert "Picture 1 attached: clipboard, 64" in held.states
    (attachment,) = engine.requests[0].messages[0].attachments
    assert attachment.data == picture.read_bytes()


def test_attach_fetches_an_address(hold, picture, server):
    url = server.serve("/web.png", picture.read_bytes())
    engine = PromptEngine()
    asked = f"/attach {url} '{picture}'"
    refused = hold(asked, engine=engine)
    assert "127.0.0.1 is not a public address" in refused.states
    assert "Picture 1 attached: my shapes.png" in refused.states
    held = hold(asked, "What is it?", engine=engine, allow_private_urls=True)
    assert f"Fetching {url}" in held.states
    assert "Picture 1 attached: web.png, 64" in held.states
    assert "Picture 2 attached: my shapes.png" in held.states
    assert len(engine.requests[0].messages[-1].attachments) == 2


def test_ctrl_c_stops_a_download_and_nothing_else(hold, picture, server):
    gate = threading.Event()
    url = server.trickle("/web.png", picture.read_bytes(), gate)
    half_way = server.answers["/web.png"]

    def interrupting(handler):
        os.kill(os.getpid(), signal.SIGINT)
        half_way(handler)

    server.answers["/web.png"] = interrupting
    held = hold(f"/attach {url}", "Hi", allow_private_urls=True)
    gate.set()
    assert f"Stopped: {url} is not attached." in held.states
    assert "Answer 1." in held.out


def test_a_path_of_the_other_end_of_ssh_comes_with_the_command_that_brings_it(hold, monkeypatch):
    monkeypatch.setenv("SSH_CONNECTION", "198.51.100.7 50000 192.0.2.1 22")
    held = hold("/Users/ann/a.png")
    assert "this path is on your computer, not on" in held.states
    assert "scp /Users/ann/a.png" in held.states


def test_a_document_tells_its_pages_and_how_to_choose(hold, tmp_path):
    pages = [Image.new("RGB", (60, 40), colour) for colour in ("red", "lime", "blue")]
    pages[0].save(tmp_path / "scan.tif", save_all=True, append_images=pages[1:])
    engine = PromptEngine()
    held = hold(f"/attach {tmp_path}/scan.tif", engine=engine)
    assert "scan.tif has 3 pages; the first one is attached. With #page=2" in held.states
    held = hold(f"/attach {tmp_path}/scan.tif#page=3", "What is it?", engine=engine)
    assert "3 pages" not in held.states
    (attachment,) = engine.requests[0].messages[-1].attachments
    assert attachment.image().getpixel((0, 0)) == (0, 0, 255)

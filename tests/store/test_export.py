"""Transcripts: read back by a Markdown parser and by json, with their pictures found."""

import io
import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt
from PIL import Image

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.conversation import Conversation
from phi3v_tui.conversation.turns import TurnState
from phi3v_tui.errors import AttachmentError, StoreError
from phi3v_tui.store.export import export_json, export_markdown
from phi3v_tui.store.markdown import escaped


def picture(name="cat.png", colour="red", kind="PNG"):
    buffer = io.BytesIO()
    Image.new("RGB", (8, 6), colour).save(buffer, kind)
    return Attachment.from_bytes(buffer.getvalue(), name, f"/pics/{name}")


def chat(prompt="What is this?", reply="A cat.", pictures=(), state=TurnState.STOP):
    conversation = Conversation()
    conversation.append_user(prompt, tuple(pictures))
    conversation.update_reply(conversation.append_reply().id, reply, state)
    return conversation


def parsed(file):
    """The transcript's top-level blocks as (type, level, text) and its picture links."""
    tokens = MarkdownIt("commonmark").enable("table").parse(file.read_text("utf-8"))
    headings = [
        tokens[index + 1].content
        for index, token in enumerate(tokens)
        if token.type == "heading_open" and token.level == 0
    ]
    inlines = [child for token in tokens for child in token.children or []]
    links = [child.attrs["src"] for child in inlines if child.type == "image"]
    return headings, links


def shown(markdown):
    """What a reader sees of Markdown, as lines of text."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown)
    assert {t.type for t in tokens} <= {"paragraph_open", "inline", "paragraph_close"}
    kinds = {"text": None, "hardbreak": "\n", "text_special": None}
    paragraphs = []
    for token in tokens:
        if token.type == "inline":
            assert {child.type for child in token.children} <= set(kinds)
            paragraphs.append("".join(kinds[c.type] or c.content for c in token.children))
    return "\n\n".join(paragraphs)


def test_a_transcript_has_every_turn_and_its_pictures_beside_it(tmp_path):
    cat, dog = picture("cat.png"), picture("dog.jpg", "blue", "JPEG")
    conversation = chat("What is this?", "A **cat**.", [cat])
    conversation.append_user("And what differs?", (dog,))
    conversation.update_reply(conversation.append_reply().id, "It's a dog", TurnState.CANCELLED)

    file = export_markdown(conversation, tmp_path / "talk.md").file

    assert file == tmp_path / "talk.md"
    headings, links = parsed(file)
    assert headings == ["What is this?", "You", "Reply", "You", "Reply"]
    assert links == ["talk-pictures/1-cat.png", "talk-pictures/2-dog.jpg"]
    assert [(tmp_path / link).read_bytes() for link in links] == [cat.data, dog.data]
    text = file.read_text("utf-8")
    assert "> A **cat**." in text
    assert text.endswith("> It's a dog\n\n*Stopped.*\n")


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "two\nlines",
        "a paragraph\n\nanother",
        "# no heading",
        "* no list\n- none\n+ none\n1. none\n2) none",
        "> no quote",
        "    no code",
        "\ttab",
        "```\nno fence",
        "~~~",
        "title\n===",
        "title\n---",
        "a | b\n--|--\n1 | 2",
        "a\n:-:",
        "<!-- no comment",
        "<b>bold</b> & &amp; <|end|>",
        "![x](y) [a]: b `code` *em* _em_ ~~no~~ \\n $x$",
        "[ref]: http://example.org",
        "trailing\\",
        "***",
        "5",
        "=",
    ],
)
def test_typed_text_is_shown_as_typed(text):
    visible = shown(escaped(text)).replace("\N{NO-BREAK SPACE}", " ")
    assert visible == text.expandtabs(4)


def test_a_line_that_only_some_readers_take_for_a_table_is_escaped():
    assert escaped("a\n:-:") == "a\\\n\\:-:"


@pytest.mark.parametrize("end", ["\r", "\r\n"])
def test_other_line_ends_do_not_reach_out_of_the_text(end):
    assert shown(escaped(f"a{end}# b")) == "a\n# b"


@pytest.mark.parametrize(
    "reply",
    [
        "```python\nprint(1)",
        "text\n\n## You\n\nfake",
        "<!--",
        "<script>",
        "a\r## You",
        "- a\n  - b",
    ],
)
def test_nothing_in_a_reply_reaches_beyond_it(tmp_path, reply):
    conversation = chat("one?", reply)
    conversation.append_user("two?", (picture(),))
    headings, links = parsed(export_markdown(conversation, tmp_path / "talk.md").file)
    assert headings == ["one?", "You", "Reply", "You"]
    assert links == ["talk-pictures/1-cat.png"]


@pytest.mark.parametrize(
    "name",
    [
        "my cat (1) [old].png", "a/b.png", "..", "", "ünïcode 漢字.png", "quote'\"`.png", "x" * 300,
        "new\nline.png", "%41.png", "#1?.png", "nul\0.png", "caf\udce9.png", ".png",
    ],
)  # fmt: skip
def test_links_work_whatever_the_pictures_name(tmp_path, name):
    folder = tmp_path / "my talks (1) #2"
    folder.mkdir()
    file = export_markdown(chat(pictures=[picture(name)]), folder / "a [b]%20.md").file

    _, links = parsed(file)
    assert len(links) == 1
    found = folder / unquote(links[0])
    assert found.parent == folder / "a [b]%20-pictures"
    assert found.suffix == ".png"
    assert Image.open(found).size == (8, 6)


def test_the_same_name_twice_makes_two_files(tmp_path):
    one, two = picture(colour="red"), picture(colour="blue")
    _, links = parsed(export_markdown(chat(pictures=[one, two]), tmp_path / "talk.md").file)
    assert [(tmp_path / link).read_bytes() for link in links] == [one.data, two.data]


@pytest.mark.parametrize("export", [export_markdown, export_json])
def test_no_file_is_ever_overwritten(tmp_path, export):
    taken = tmp_path / "talk.out"
    taken.write_text("mine")
    (tmp_path / "talk-2-pictures").mkdir()
    (tmp_path / "talk-2-pictures" / "1-cat.png").write_text("mine too")

    first = export(chat(pictures=[picture()]), taken).file
    second = export(chat(), taken).file

    assert (first.name, second.name) == ("talk-3.out", "talk-4.out")
    assert taken.read_text() == "mine"
    assert (tmp_path / "talk-2-pictures" / "1-cat.png").read_text() == "mine too"
    assert (tmp_path / "talk-3-pictures" / "1-cat.png").exists()
    assert not (tmp_path / "talk-4-pictures").exists()


def test_only_the_shown_path_is_written(tmp_path):
    conversation = chat("one?", "1")
    conversation.edit(conversation.path()[0].id, "uno?")
    text = export_markdown(conversation, tmp_path / "talk.md").file.read_text()
    assert "uno?" in text
    assert "one?" not in text


def test_json_has_what_a_program_needs(tmp_path):
    cat = picture("my cat.png")
    conversation = chat("What\nis <|end|> this?", "A 漢字.", [cat], TurnState.LENGTH)
    conversation.system_prompt = "Be brief."

    file = export_json(conversation, tmp_path / "talk.json").file

    transcript = json.loads(file.read_text("utf-8"))
    prompt, reply = transcript.pop("turns")
    assert transcript == {
        "format": "phi3v-tui transcript",
        "version": 1,
        "id": conversation.id,
        "title": conversation.title,
        "created": conversation.created.isoformat(),
        "system_prompt": "Be brief.",
    }
    (shown_picture,) = prompt.pop("pictures")
    assert prompt["text"] == "What\nis <|end|> this?"
    assert shown_picture == {
        "number": 1,
        "file": "talk-pictures/1-my_cat.png",
        "name": "my cat.png",
        "sha256": cat.digest,
        "width": 8,
        "height": 6,
    }
    assert (tmp_path / shown_picture["file"]).read_bytes() == cat.data
    assert (reply["role"], reply["text"], reply["state"]) == ("assistant", "A 漢字.", "length")
    assert reply["parent_id"] == prompt["id"]


def test_the_system_prompt_is_in_the_transcript(tmp_path):
    conversation = chat()
    conversation.system_prompt = "Be *brief*."
    assert r"Be \*brief\*." in export_markdown(conversation, tmp_path / "talk.md").file.read_text()


def test_text_that_is_no_utf_8_is_written_all_the_same(tmp_path):
    file = export_markdown(chat("pasted \ud800"), tmp_path / "talk.md").file
    assert "pasted ?" in file.read_text("utf-8")


@pytest.mark.parametrize("folder", ["file", "no/such"])
def test_a_folder_that_is_not_there_is_not_made(tmp_path, folder):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=f"There is no folder {tmp_path / folder}"):
        export_markdown(chat(), tmp_path / folder / "talk.md")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_name_that_cannot_be_written(tmp_path):
    with pytest.raises(StoreError, match=r"cannot be written to .*: File name too long"):
        export_markdown(chat(), tmp_path / f"{'a' * 300}.md")


def test_nothing_is_left_behind_when_the_disk_is_full(tmp_path, monkeypatch):
    def refuse(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(StoreError, match="No space left on device"):
        export_markdown(chat(pictures=[picture()]), tmp_path / "talk.md")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("export", [export_markdown, export_json])
def test_a_picture_that_cannot_be_read_any_more_is_named_and_the_rest_is_kept(tmp_path, export):
    def gone():
        raise AttachmentError("The picture is not kept any more.", "")

    lost, dog = replace(picture("cat_.png"), source=gone), picture("dog.png", "blue")
    suffix = ".md" if export is export_markdown else ".json"
    written = export(chat("What is this?", "A cat.", [lost, dog]), tmp_path / f"talk{suffix}")
    assert written.missing == ("cat_.png",)
    file = written.file
    text = file.read_text("utf-8")
    assert "A cat." in text
    assert [f.name for f in (tmp_path / "talk-pictures").iterdir()] == ["2-dog.png"]
    if export is export_markdown:
        assert parsed(file)[1] == ["talk-pictures/2-dog.png"]
        assert "*Picture 1: cat\\_.png (it could not be read any more)*" in text
    else:
        pictures = json.loads(text)["turns"][0]["pictures"]
        assert [p["file"] for p in pictures] == [None, "talk-pictures/2-dog.png"]

    export(chat(pictures=[lost]), tmp_path / f"only{suffix}")
    assert not (tmp_path / "only-pictures").exists()

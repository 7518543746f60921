"""The table of the evaluation: figures, intervals, and where it goes in a document."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from phi3v_tui.demo import evaluate
from phi3v_tui.demo.curves import plot, read_curves
from phi3v_tui.demo.evaluate import MARKERS, Score, measure, table, update
from phi3v_tui.demo.exam import photograph_questions
from phi3v_tui.demo.exam_charts import chart_questions
from phi3v_tui.demo.exam_print import edits, text_questions
from phi3v_tui.demo.exam_question import Question
from phi3v_tui.demo.unlike import HEDGE


@pytest.mark.parametrize(
    ("right", "asked", "interval"),
    [(0, 60, "0% to 6%"), (60, 60, "94% to 100%"), (30, 60, "38% to 62%"), (1, 1, "21% to 100%")],
)
def test_intervals_stay_between_nothing_and_all(right: int, asked: int, interval: str) -> None:
    line = table({"an ability": Score(right, asked)}).splitlines()[2]
    assert f"| {interval} |" in line
    assert "-0%" not in line


def test_questions_are_asked_again_in_other_words_and_of_other_pictures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A parrot says the question again; of every picture the same, which is not to look.
    monkeypatch.setattr(evaluate, "ask", lambda engine, asked: (asked.prompts[-1], 0.0))
    asked = Question("an ability", ((),), ("What?",), lambda text: text == "What?", "What?")
    swapped = replace(asked, ability="swapped", swapped=((),))
    scores = measure(None, iter([replace(asked, reworded="Say what."), swapped]), show=0)
    one, other = scores["an ability"], scores["swapped"]
    assert (one.right, one.asked, one.reworded_right, one.reworded) == (1, 1, 0, 1)
    assert (other.right, other.asked, other.reworded) == (0, 1, 0)


def test_curves_go_on_from_stage_to_stage(tmp_path: Path) -> None:
    progress = tmp_path / "progress.jsonl"
    progress.write_text(
        '{"stage": "a", "step": 50, "losses": {"x": 2.0}}\n'
        '{"stage": "a", "step": 100, "held out": {"y": 0.5}}\n'
        '{"stage": "b", "step": 50, "losses": {"x": 1.0}}\n'
    )
    assert read_curves(progress) == ({"x": [(50, 2.0), (150, 1.0)]}, {"y": [(100, 0.5)]})
    more = tmp_path / "more.jsonl"
    more.write_text('{"stage": "b", "step": 25, "losses": {"x": 0.5}}\n')
    assert read_curves(progress, more)[0] == {"x": [(50, 2.0), (150, 1.0), (175, 0.5)]}
    plot(tmp_path / "curves.png", progress)
    assert (tmp_path / "curves.png").stat().st_size > 1000


def test_a_document_keeps_everything_but_its_table(tmp_path: Path) -> None:
    document = tmp_path / "README.md"
    document.write_text(f"before\n{MARKERS[0]}\nold\n{MARKERS[1]}\nafter\n")
    update(document, "new")
    assert document.read_text() == f"before\n{MARKERS[0]}\nnew\n{MARKERS[1]}\nafter\n"


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("", "", 0), ("same", "same", 0), ("kitten", "sitting", 3), ("abc", "", 3), ("ab", "ba", 2)],
)
def test_characters_to_change(one: str, other: str, expected: int) -> None:
    assert edits(one, other) == edits(other, one) == expected


def test_printed_text_is_scored_by_character_and_values_by_distance() -> None:
    text = next(text_questions(random.Random(1), 1))
    quoted = text.expected.partition('"')[2].rpartition('"')[0]
    assert text.right(text.expected) == 1
    assert text.right(f'It says "{quoted[1:]}".') == pytest.approx(1 - 1 / len(quoted))
    assert text.right("Nothing that I can read.") == 0
    value = next(q for q in chart_questions(random.Random(1), 3) if "value" in q.ability)
    so_far, _, number = value.expected.rstrip(".").rpartition(" ")
    end = int(value.expected.split()[4])
    assert value.right(value.expected)
    assert not value.right(f"{so_far} {float(number) + 0.2 * end:g}.")
    assert not value.right("I do not know.")


def test_it_is_counted_when_a_like_picture_is_taken_for_an_unlike_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(evaluate, "ask", lambda engine, asked: (HEDGE, 0.0))
    like = Question("an ability", ((b"",),), ("What?",), lambda text: False, "A star.")
    unlike = replace(like, expected=HEDGE)
    talk = replace(like, pictures=((),))
    scores = measure(None, iter([like, unlike, talk]), show=0)
    assert (scores[evaluate.LIKE].right, scores[evaluate.LIKE].asked) == (0, 1)


def test_photographs_of_installed_packages_are_asked_about() -> None:
    asked = list(photograph_questions(random.Random(1), 4))
    assert [q.expected for q in asked] == [HEDGE] * 4
    assert len({q.pictures for q in asked}) == 4

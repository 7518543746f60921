"""Measure a checkpoint on held-out pictures: `python -m phi3v_tui.demo.evaluate`.

Everything goes the way that a person's pictures go: a PNG file, the attachment, the engine,
greedy text.
"""

import argparse
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.message import Message, Role
from phi3v_tui.conversation.sampling import SamplingParams
from phi3v_tui.demo.exam import all_questions
from phi3v_tui.demo.exam_question import Question
from phi3v_tui.demo.unlike import HEDGE
from phi3v_tui.engine import collect
from phi3v_tui.engine.base import Engine, Request
from phi3v_tui.engine.local import LocalEngine

LIKE = "all other pictures: does not say that it cannot tell"
MARKERS = ("<!-- evaluation -->", "<!-- /evaluation -->")


@dataclass
class Score:
    """How often an ability was right.

    Attributes:
        right: Right answers; parts of one where characters are counted.
        asked: Questions.
        seconds: From prompts to the ends of answers, all together.
        reworded: How many of the questions were also asked in a wording that training never saw.
        reworded_right: Right answers to those.
    """

    right: float = 0
    asked: int = 0
    seconds: float = 0.0
    reworded: int = 0
    reworded_right: float = 0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % confidence interval of what is right."""
        z, n = 1.96, self.asked
        p = self.right / n
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z * ((p * (1 - p) + z * z / (4 * n)) / n) ** 0.5 / (1 + z * z / n)
        return max(0.0, middle - half), min(1.0, middle + half)


def ask(engine: Engine, asked: Question) -> tuple[str, float]:
    """Hold a conversation.

    Returns:
        The last answer, and the seconds from its prompt to its end.
    """
    messages: tuple[Message, ...] = ()
    text, started = "", 0.0
    for prompt, pictures in zip(asked.prompts, asked.pictures, strict=True):
        files = tuple(Attachment.from_bytes(p, "picture.png", "evaluation") for p in pictures)
        messages += (Message(Role.USER, prompt, files),)
        started = time.perf_counter()
        answer = collect.answer(engine, Request(messages, SamplingParams(max_new_tokens=160)))
        text = answer.text
        messages += (Message(Role.ASSISTANT, text, (), answer.finished.token_ids),)
    return text, time.perf_counter() - started


def measure(engine: Engine, questions: Iterator[Question], show: int) -> dict[str, Score]:
    """Ask everything.

    Args:
        engine: Loaded.
        questions: What to ask.
        show: How many wrong answers of each ability to print.
    """
    scores: dict[str, Score] = {}
    like = Score()
    for asked in questions:
        score = scores.setdefault(asked.ability, Score())
        text, seconds = ask(engine, asked)
        right = is_right(engine, asked, text)
        score.asked += 1
        score.seconds += seconds
        score.right += right
        if any(asked.pictures) and asked.expected != HEDGE:
            like.asked += 1
            like.seconds += seconds
            like.right += text != HEDGE
        if right < 1 and score.asked - score.right <= show:
            print(f"{asked.ability} | {asked.prompts[-1]} | {asked.expected} | {text}", flush=True)
        if asked.reworded:
            again = replace(asked, prompts=(*asked.prompts[:-1], asked.reworded))
            text = ask(engine, again)[0]
            right = is_right(engine, again, text)
            score.reworded += 1
            score.reworded_right += right
            if right < 1 and score.reworded - score.reworded_right <= show:
                print(f"reworded: {asked.ability} | {asked.reworded} | {asked.expected} | {text}")
    return {**scores, LIKE: like} if like.asked else scores


def is_right(engine: Engine, asked: Question, text: str) -> float:
    """How much of an answer is right; where pictures are to be swapped, whether it changes."""
    if asked.swapped:
        return ask(engine, replace(asked, pictures=asked.swapped))[0] != text
    return asked.right(text)


def table(scores: dict[str, Score]) -> str:
    """The scores as a Markdown table."""
    lines = [
        "| ability | right | 95 % interval | in wordings never seen | asked | seconds per answer |",
        "|---|---|---|---|---|---|",
    ]
    for name, score in scores.items():
        low, high = score.interval
        reworded = f"{score.reworded_right / score.reworded:.1%}" if score.reworded else ""
        lines.append(
            f"| {name} | {score.right / score.asked:.1%} | {low:.0%} to {high:.0%} "
            f"| {reworded} | {score.asked} | {score.seconds / score.asked:.2f} |"
        )
    return "\n".join(lines)


def update(document: Path, text: str) -> None:
    """Put the table between the markers of a document."""
    before, _, rest = document.read_text(encoding="utf-8").partition(MARKERS[0])
    _, _, after = rest.partition(MARKERS[1])
    document.write_text(f"{before}{MARKERS[0]}\n{text}\n{MARKERS[1]}{after}", encoding="utf-8")


def main() -> None:
    """Parse the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="demo")
    parser.add_argument("--quantize", default="auto", help="none, int8 or int4")
    parser.add_argument("--count", type=int, default=500, help="pictures for each ability")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=0, help="wrong answers to print per ability")
    parser.add_argument(
        "--update", type=Path, nargs="*", default=[], help="documents with the table"
    )
    parser.add_argument("--json", type=Path, help="file for the numbers")
    args = parser.parse_args()
    engine = LocalEngine(args.model, device="cpu", quantize=args.quantize)
    collect.load(engine)
    scores = measure(engine, all_questions(args.count, args.seed), args.show)
    print(table(scores))
    for document in args.update:
        update(document, table(scores))
    if args.json:
        numbers = {k: [s.right, s.asked, s.reworded_right, s.reworded] for k, s in scores.items()}
        args.json.write_text(json.dumps(numbers, indent=1) + "\n")
    # torch may hang or abort in the engine's thread when the interpreter ends by itself.
    os._exit(0)


if __name__ == "__main__":
    main()

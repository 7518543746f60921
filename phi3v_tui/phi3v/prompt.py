"""Conversation -> prompt ids.

A turn is `<|role|>\\n` + content + `<|end|>\\n`, a prompt ends with `<|assistant|>\\n`. The ids are
built from segments: only this module writes control tokens, and what people typed is tokenised
by a tokenizer that knows none, so that `<|end|>` or `</s>` in a question stays plain text.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.message import Message, Role
from phi3v_tui.conversation.unicode_text import encodable
from phi3v_tui.errors import ModelError
from phi3v_tui.phi3v.damage import reading

STOP_NAMES = ("<|end|>", "<|endoftext|>", "</s>", "<|user|>", "<|assistant|>", "<|system|>")

# What an added token with `rstrip` swallows to its right: Unicode White_Space, which is a little
# less than what str.lstrip() takes by itself.
_WHITESPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
    "\u200a\u2028\u2029\u202f\u205f\u3000"
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in a prompt.

    Attributes:
        attachment: Its bytes.
        start: Position of its first token.
        length: Its tokens.
    """

    attachment: Attachment
    start: int
    length: int

    @property
    def end(self) -> int:
        """Position behind its last token."""
        return self.start + self.length


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model reads.

    Attributes:
        ids: Token ids; every position of picture k (from 1) holds -k.
        pictures: The pictures in order of position.
        begun: How many of the last ids are the beginning of the answer, which goes on from there.
    """

    ids: tuple[int, ...]
    pictures: tuple[Picture, ...] = ()
    begun: int = 0

    @property
    def begun_ids(self) -> tuple[int, ...]:
        """Ids of the beginning of the answer."""
        return self.ids[len(self.ids) - self.begun :]

    def keys(self, num_crops: int) -> list[int]:
        """Ids for comparing prompts: picture positions hold a number made of their content.

        Two prompts with equal keys up to n have the same KV cache up to n, whatever the numbers
        of their pictures are.
        """
        keys = list(self.ids)
        for picture in self.pictures:
            content = int(picture.attachment.digest[:15], 16) * 1024 + num_crops
            keys[picture.start : picture.end] = [-1 - content] * picture.length
        return keys


class PromptTokenizer:
    """A checkpoint's tokenizer, with control tokens and typed text kept apart.

    Attributes:
        tokenizer: The tokenizer as the checkpoint has it; for decoding.
        bos: Ids that begin a prompt and follow each picture (`<s>`).
    """

    def __init__(self, tokenizer_json: str) -> None:
        self._plain = Tokenizer.from_str(_without_added_tokens(tokenizer_json))
        self.tokenizer = Tokenizer.from_str(tokenizer_json)
        for tokenizer in (self._plain, self.tokenizer):
            # Settings of a training run that was saved with it: prompts are neither cut nor filled.
            tokenizer.no_truncation()
            tokenizer.no_padding()
        self.bos: tuple[int, ...] = tuple(self.tokenizer.encode("").ids)
        self._swallows_whitespace = {
            token_id
            for token_id, token in self.tokenizer.get_added_tokens_decoder().items()
            if token.rstrip
        }

    @classmethod
    def from_folder(cls, folder: Path) -> "PromptTokenizer":
        """Read `tokenizer.json`.

        Raises:
            ModelError: The file is missing or damaged.
        """
        path = folder / "tokenizer.json"
        with reading(path):
            return cls(path.read_text(encoding="utf-8"))

    def control(self, name: str) -> int:
        """Id of a control token such as `<|end|>`.

        Raises:
            ModelError: The checkpoint's tokenizer has none of this name.
        """
        token_id = self.tokenizer.token_to_id(name)
        if token_id is None:
            raise ModelError(
                f"The checkpoint's tokenizer has no token {name}.",
                "Choose a Phi-3-vision checkpoint.",
            )
        return token_id

    def stop_ids(self) -> frozenset[int]:
        """Ids that end an answer, found by name."""
        ids = (self.tokenizer.token_to_id(name) for name in STOP_NAMES)
        return frozenset(token_id for token_id in ids if token_id is not None)

    def plain(self, text: str) -> list[int]:
        """Ids of text in which nothing is a control token."""
        return self._plain.encode(encodable(text), add_special_tokens=False).ids

    def swallows_whitespace(self, token_id: int) -> bool:
        """Whether white space behind this control token is dropped."""
        return token_id in self._swallows_whitespace

    def decode(self, ids: Sequence[int]) -> str:
        """Text of generated ids, control tokens left out."""
        return self.tokenizer.decode(list(ids), skip_special_tokens=True)


def render(
    messages: Sequence[Message],
    tokenizer: PromptTokenizer,
    count_tokens: Callable[[Attachment], int],
    continue_last: bool = False,
) -> Prompt:
    """Render a conversation as the prompt for its next answer, or for the rest of its last one.

    Pictures are numbered from 1 through the whole conversation and come before the text of their
    message, each as `<|image_k|>\\n`, as the model card does.

    Args:
        messages: Oldest first.
        tokenizer: The checkpoint's.
        count_tokens: Tokens that a picture takes.
        continue_last: The last message is an answer that was stopped: leave it open, by the very
            ids that were generated, so that it goes on as if it had never been stopped.
    """
    builder = _Builder(tokenizer, count_tokens)
    for message in messages[:-1] if continue_last else messages:
        builder.message(message)
    if continue_last:
        return builder.finish_within(messages[-1])
    if not messages or messages[-1].role is not Role.ASSISTANT:
        builder.open_turn(Role.ASSISTANT)
    return builder.finish()


class _Builder:
    """Collects ids; text is held back so that neighbouring pieces are tokenised as one."""

    def __init__(
        self, tokenizer: PromptTokenizer, count_tokens: Callable[[Attachment], int]
    ) -> None:
        self._tokenizer = tokenizer
        self._count_tokens = count_tokens
        self._ids: list[int] = list(tokenizer.bos)
        self._pictures: list[Picture] = []
        self._held = ""

    def message(self, message: Message) -> None:
        self.open_turn(message.role)
        for attachment in message.attachments:
            self._picture(attachment)
        self._content(message)
        self._control("<|end|>")
        self._held += "\n"

    def _content(self, message: Message) -> None:
        if self._has_valid_ids(message):
            self._generated(message.token_ids)
        else:
            self._held += message.text

    def open_turn(self, role: Role) -> None:
        self._control(f"<|{role}|>")
        self._held += "\n"

    def finish(self) -> Prompt:
        self._flush()
        return Prompt(tuple(self._ids), tuple(self._pictures))

    def finish_within(self, answer: Message) -> Prompt:
        """Finish with an answer that has begun."""
        self.open_turn(answer.role)
        self._flush()
        start = len(self._ids)
        self._content(answer)
        self._flush()
        return Prompt(tuple(self._ids), tuple(self._pictures), len(self._ids) - start)

    def _has_valid_ids(self, message: Message) -> bool:
        """Ids of another model, or of an answer edited since, say something else than the text."""
        if message.role is not Role.ASSISTANT or not message.token_ids:
            return False
        return self._tokenizer.decode(message.token_ids).strip() == message.text.strip()

    def _control(self, name: str) -> None:
        self._flush()
        self._ids.append(self._tokenizer.control(name))

    def _picture(self, attachment: Attachment) -> None:
        self._flush()
        length = self._count_tokens(attachment)
        self._pictures.append(Picture(attachment, len(self._ids), length))
        self._ids += [-len(self._pictures)] * length
        # The reference tokenises each piece of text between pictures alone, with its `<s>`.
        self._ids += self._tokenizer.bos
        self._held += "\n"

    def _generated(self, ids: Sequence[int]) -> None:
        """Behind `<|assistant|>`, whose newline the model never sees where it is swallowed."""
        self._flush()
        self._ids += ids

    def _flush(self) -> None:
        if self._ids and self._tokenizer.swallows_whitespace(self._ids[-1]):
            self._held = self._held.lstrip(_WHITESPACE)
        if self._held:
            self._ids += self._tokenizer.plain(self._held)
        self._held = ""


def _without_added_tokens(tokenizer_json: str) -> str:
    """The same tokenizer without its added tokens, in whichever table they stand."""
    description = json.loads(tokenizer_json)
    vocabulary = description["model"]["vocab"]
    unknown = description["model"].get("unk_token")
    for token in description["added_tokens"]:
        if token["content"] != unknown and isinstance(vocabulary, dict):
            vocabulary.pop(token["content"], None)
    return json.dumps(description | {"added_tokens": [], "post_processor": None})

"""A tokenizer for random checkpoints: as many ids as the published one, and its control tokens.

The published file is large, and which words a random model writes means nothing. What matters is
that ids and their number are alike, and that each id has a text of the usual length.
"""

import string

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, processors

CONTROL = {
    "<unk>": 0,
    "<s>": 1,
    "</s>": 2,
    "<|endoftext|>": 32000,
    "<|assistant|>": 32001,
    "<|system|>": 32006,
    "<|end|>": 32007,
    "<|user|>": 32010,
}
"""Control tokens of the published tokenizer, and their ids."""

_SPACE = "\u2581"
_CHARACTERS = (_SPACE, "\n", *(c for c in string.printable[:94]))
_SWALLOWS_WHITESPACE = ("</s>", "<|assistant|>")


def build_tokenizer(vocab_size: int) -> Tokenizer:
    """Build it: a token for each character, and made-up words for all other ids.

    Args:
        vocab_size: Ids in all; above the largest of `CONTROL`.
    """
    tokenizer = Tokenizer(models.BPE(_vocabulary(vocab_size), [], unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend(_SPACE), normalizers.Replace(" ", _SPACE)]
    )
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace(_SPACE, " "), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.add_special_tokens([_added(name) for name in CONTROL if name != "</s>"])
    tokenizer.add_tokens([_added("</s>")])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", CONTROL["<s>"])]
    )
    return tokenizer


def _vocabulary(size: int) -> dict[str, int]:
    taken = set(CONTROL.values())
    free = [token_id for token_id in range(size) if token_id not in taken]
    characters = dict(zip(_CHARACTERS, free, strict=False))
    words = {f"{_SPACE}{_word(n)}": n for n in free[len(characters) :]}
    return CONTROL | characters | words


def _word(number: int) -> str:
    """A number as four letters."""
    letters = string.ascii_lowercase
    return "".join(letters[number // 26**place % 26] for place in range(4))


def _added(name: str) -> AddedToken:
    swallows = name in _SWALLOWS_WHITESPACE
    return AddedToken(name, special=name != "</s>", normalized=False, rstrip=swallows)

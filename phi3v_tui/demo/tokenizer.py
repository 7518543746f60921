"""The bundled checkpoint's tokenizer: whole words of its own language, else characters.

Titles and names that are printed in a picture are read letter by letter, so they must be
written letter by letter too; the words of its own sentences are one token each, and so are levels
of a chart ("45%"), which are seen, not read.
"""

import random
import re
import string

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors

from phi3v_tui.demo.curriculum import MAKERS
from phi3v_tui.demo.wordings import trained_questions

SPECIAL = (
    "<unk>",
    "<s>",
    "</s>",
    "<|endoftext|>",
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<|end|>",
)
PIECE = r" ?[A-Za-z]+| \d+%| ?\d| ?[^\sA-Za-z\d]|\n| "


def build_tokenizer(samples: int = 300) -> Tokenizer:
    """Build the tokenizer from the words of all trained questions and of sample answers."""
    rng = random.Random(1)
    words = {piece for text in trained_questions() for piece in re.findall(PIECE, text)}
    for make in MAKERS.values():
        for _ in range(samples):
            for chain in make(rng, False).chains:
                for turn in chain:
                    unquoted = re.sub(r'"[^"]*"|\| [^|]* ', '""', turn.answer.text)
                    words.update(re.findall(PIECE, " ".join((unquoted, *turn.fields.values()))))
    characters = [*string.printable[:94], " ", "\n"]
    names = [*SPECIAL, *characters, *sorted(w for w in words if len(w) > 1)]
    tokenizer = Tokenizer(
        models.BPE({n: i for i, n in enumerate(names)}, [], ignore_merges=True, unk_token="<unk>")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(PIECE), "isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.add_special_tokens(
        # As published: the line break after <|assistant|> belongs to it, </s> is not "special".
        [AddedToken(t, special=True, normalized=False, rstrip=t == "<|assistant|>")
         for t in SPECIAL if t != "</s>"]
    )  # fmt: skip
    tokenizer.add_tokens([AddedToken("</s>", special=False, normalized=False, rstrip=True)])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)]
    )
    return tokenizer

"""Start training from a checkpoint that is there, rather than from random weights."""

from pathlib import Path

import torch
from tokenizers import Tokenizer

from phi3v_tui.demo.network import DemoNet
from phi3v_tui.phi3v import Phi3VForCausalLM

WORD_ROWS = ("model.embed_tokens.weight", "lm_head.weight")


@torch.no_grad()
def start_from(net: DemoNet, tokenizer: Tokenizer, folder: Path) -> None:
    """Take over the weights of a checkpoint in the published layout.

    Words that both tokenizers have keep their vectors, so new words may be taught to an old
    checkpoint. The dense heads are not in a checkpoint and stay as they are; the stages with the
    tower frozen do not need them.

    Args:
        net: Takes the weights.
        tokenizer: Of the run.
        folder: With `model.safetensors` and `tokenizer.json`, of the same sizes as the network.
    """
    given = Phi3VForCausalLM.from_pretrained(folder, dtype=torch.float32).state_dict()
    theirs = Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab()
    ours = tokenizer.get_vocab()
    shared = [word for word in ours if word in theirs]
    for name in WORD_ROWS:
        rows = net.phi3v.state_dict()[name].clone()
        rows[[ours[w] for w in shared]] = given[name][[theirs[w] for w in shared]]
        given[name] = rows
    net.phi3v.load_state_dict(given)

"""Start training from a checkpoint that is there, rather than from random weights."""

from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

from phi3v_tui.demo.network import DemoNet
from phi3v_tui.demo.recipes import Recipe
from phi3v_tui.phi3v import Phi3VConfig, Phi3VForCausalLM

WORD_ROWS = ("model.embed_tokens.weight", "lm_head.weight")


def require_sizes(folder: Path, recipe: Recipe) -> None:
    """Make sure that a checkpoint has the sizes of a recipe.

    Raises:
        SystemExit: It has others.
    """
    config = Phi3VConfig.from_pretrained(folder)
    if (config.hidden_size, config.num_hidden_layers) != (recipe.width, recipe.layers):
        raise SystemExit(f"{folder} has other sizes than the recipe {recipe.name}: give --recipe.")


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
    _deepen(net, given)
    net.phi3v.load_state_dict(given)


def _deepen(net: DemoNet, given: dict[str, Tensor]) -> None:
    """Put layers that change nothing yet into a tower that has fewer than the network's.

    They go between the first ones; the last layer, which is not used, stays the last.
    """
    prefix = "model.vision_embed_tokens.img_processor.encoder.layers."
    theirs = 1 + max(
        int(name.removeprefix(prefix).split(".")[0]) for name in given if prefix in name
    )
    ours = len(net.phi3v.model.vision_embed_tokens.img_processor.encoder.layers)
    new = [2 * i + 1 for i in range(ours - theirs)]
    old = [i for i in range(ours) if i not in new]
    layers = {name: given.pop(name) for name in list(given) if name.startswith(prefix)}
    for name, value in layers.items():
        number, rest = name.removeprefix(prefix).split(".", 1)
        given[f"{prefix}{old[int(number)]}.{rest}"] = value
    for name, value in net.phi3v.state_dict().items():
        if name.startswith(prefix) and int(name.removeprefix(prefix).split(".")[0]) in new:
            adds = ".out_proj." in name or ".fc2." in name
            given[name] = torch.zeros_like(value) if adds else value

"""The model in training: the published architecture, dense heads and attention supervision.

Perception does not come through the language loss alone; it needs dense targets on the
projected image tokens. Nor does looking at the right place: for some heads of one layer the
attention itself is supervised. Both are thrown away when the checkpoint is exported.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers.models.phi3.modeling_phi3 import apply_rotary_pos_emb

from phi3v_tui.conversation.crops import CropGrid
from phi3v_tui.demo.drawing import (
    CHARACTER_ID,
    CHARACTER_SLOTS,
    CHARACTERS,
    CLASSES,
    COLOUR_ID,
    CROP,
    GRID,
    KIND_ID,
    level_percent,
)
from phi3v_tui.demo.recipes import Recipe
from phi3v_tui.demo.scenes import plural
from phi3v_tui.demo.views import count_views
from phi3v_tui.phi3v import Phi3VConfig, Phi3VForCausalLM
from phi3v_tui.phi3v.image_embedding import Phi3VImageEmbedding

PATCH = 14
SUPERVISED_LAYER = 2
SUPERVISED_HEADS = 3


def demo_config(vocab_size: int, recipe: Recipe) -> Phi3VConfig:
    """The published configuration with the sizes of a recipe."""
    factors = [1.0] * (recipe.width // recipe.heads // 2)
    tower = {
        "hidden_size": recipe.tower_width,
        "intermediate_size": 4 * recipe.tower_width,
        # One more than is used, for the features are hidden state -2.
        "num_hidden_layers": recipe.tower_layers + 1,
        "num_attention_heads": recipe.tower_heads,
        "num_channels": 3,
        "image_size": CROP,
        "patch_size": PATCH,
        "hidden_act": "quick_gelu",
        "layer_norm_eps": 1e-5,
        "attention_dropout": 0.0,
        "projection_dim": 64,
    }
    return Phi3VConfig(
        vocab_size=vocab_size,
        hidden_size=recipe.width,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.heads,
        intermediate_size=recipe.inner,
        max_position_embeddings=4096,
        original_max_position_embeddings=4096,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=3,
        tie_word_embeddings=False,
        # The context is not extended, so all factors are 1.
        rope_scaling={"type": "su", "short_factor": factors, "long_factor": factors},
        img_processor={
            "name": "clip_vision_model",
            "image_dim_out": tower["hidden_size"],
            "num_img_tokens": GRID * GRID,
            "vision_config": tower,
        },
        embd_layer={
            "embedding_cls": "image",
            "hd_transform_order": "sub_glb",
            "projection_cls": "mlp",
            "use_hd_transform": True,
            "with_learnable_separator": True,
        },
    )


class DemoNet(nn.Module):
    """The published architecture, and the heads that only training needs."""

    def __init__(self, vocab_size: int, recipe: Recipe) -> None:
        super().__init__()
        self.recipe = recipe
        self.phi3v = Phi3VForCausalLM(demo_config(vocab_size, recipe))
        hidden = self.phi3v.config.hidden_size
        self.characters = nn.Linear(hidden, CHARACTER_SLOTS * (len(CHARACTERS) + 1))
        self.planes = nn.Linear(hidden, sum(CLASSES.values()))
        initialise(self.phi3v)
        # From nothing, they begin to send gradients into the tower as they learn themselves.
        nn.init.zeros_(self.characters.weight)
        nn.init.zeros_(self.planes.weight)

    @property
    def tower(self) -> Phi3VImageEmbedding:
        """Vision tower and projection."""
        return self.phi3v.model.vision_embed_tokens

    def dense(self, features: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """What each cell shows.

        Args:
            features: Of the tower, [V, GRID, GRID, 4 * tower].

        Returns:
            Character logits [V, GRID, GRID, slots, characters + 1], and one tensor of logits
            [V, GRID, GRID, classes] for each plane of `CLASSES`.
        """
        tokens = self.tower.img_projection(features)
        characters = self.characters(tokens).unflatten(-1, (CHARACTER_SLOTS, -1))
        return characters, self.planes(tokens).split(list(CLASSES.values()), -1)


def image_tokens(tower: Phi3VImageEmbedding, features: Tensor, grids: Sequence[CropGrid]) -> Tensor:
    """Tokens of pictures one after the other: [V, GRID, GRID, 4 * tower] -> [tokens, hidden]."""
    parts = features.split([count_views(grid) for grid in grids])
    merged = [
        tower.merge(part.expand(grid.num_crops, -1, -1, -1), grid)
        for part, grid in zip(parts, grids, strict=True)
    ]
    return tower.img_projection(torch.cat(merged))


@torch.no_grad()
def initialise(model: Phi3VForCausalLM) -> None:
    """Start where attention goes by content (W_q = W_k), and with positions as waves."""
    embedding = model.model.vision_embed_tokens
    tower = embedding.img_processor
    nn.init.normal_(embedding.sub_GN, std=0.3)
    nn.init.normal_(embedding.glb_GN, std=0.3)
    for linear in (m for m in embedding.modules() if isinstance(m, nn.Linear | nn.Conv2d)):
        _uniform(linear)
    for layer in tower.encoder.layers:
        _start_small(layer.self_attn.out_proj, layer.mlp.fc2)
        nn.init.normal_(layer.self_attn.q_proj.weight, std=tower.config.hidden_size**-0.5)
        layer.self_attn.k_proj.weight.copy_(layer.self_attn.q_proj.weight)
    waves = _position_waves(CROP // PATCH, tower.config.hidden_size)
    tower.embeddings.position_embedding.weight[1:] = waves * 0.9
    for linear in (m for m in model.model.layers.modules() if isinstance(m, nn.Linear)):
        _uniform(linear)
    for layer in model.model.layers:
        _start_small(layer.self_attn.o_proj, layer.mlp.down_proj)
    nn.init.normal_(model.model.embed_tokens.weight, std=0.3)
    _uniform(model.lm_head)


def _uniform(linear: nn.Linear | nn.Conv2d) -> None:
    bound = linear.weight[0].numel() ** -0.5
    nn.init.uniform_(linear.weight, -bound, bound)


def _start_small(*linears: nn.Linear) -> None:
    """Halve what is added to the residual stream."""
    for linear in linears:
        linear.weight.mul_(0.5)


def _position_waves(side: int, hidden: int) -> Tensor:
    """Two-dimensional sine and cosine positions, [side * side, hidden]."""
    quarter = hidden // 4
    rates = 1.2 / 40 ** (torch.arange(quarter) / quarter)
    angles = torch.arange(side)[:, None] * rates
    line = torch.cat([angles.sin(), angles.cos()], 1)
    down = line[:, None].expand(side, side, -1)
    return torch.cat([down, line[None].expand(side, side, -1)], -1).reshape(side * side, hidden)


class AttentionSupervision:
    """Catches queries and keys of one layer, to reward looking where the answer is."""

    def __init__(self, net: DemoNet) -> None:
        attention = net.phi3v.model.layers[SUPERVISED_LAYER].self_attn
        self.head_dim: int = attention.head_dim
        self.enabled = False
        self.qkv = torch.zeros(0)
        self.rotation: tuple[Tensor, Tensor] = (self.qkv, self.qkv)
        attention.register_forward_pre_hook(self._keep_rotation, with_kwargs=True)
        attention.qkv_proj.register_forward_hook(self._keep_qkv)

    def _keep_rotation(self, module: nn.Module, args: tuple, kwargs: dict) -> None:
        self.rotation = kwargs["position_embeddings"]

    def _keep_qkv(self, module: nn.Module, args: tuple, output: Tensor) -> None:
        self.qkv = output if self.enabled else output[:0]

    def loss(self, allowed: Tensor, rows: Tensor, wanted: Tensor) -> Tensor:
        """Mean of -log(attention mass on the wanted keys).

        Args:
            allowed: bool [B, T, T], what the attention mask lets through.
            rows: int64 [R, 2], (batch, position) of the supervised queries.
            wanted: bool [R, T], the keys they should look at.
        """
        b, t, _ = self.qkv.shape
        heads = self.qkv.shape[-1] // 3 // self.head_dim
        q, k, _ = self.qkv.view(b, t, 3, heads, self.head_dim).permute(2, 0, 3, 1, 4)
        q, k = apply_rotary_pos_emb(
            q[:, :SUPERVISED_HEADS], k[:, :SUPERVISED_HEADS], *self.rotation
        )
        scores = (q @ k.transpose(-1, -2)) / self.head_dim**0.5
        scores = scores.masked_fill(~allowed[:, None], -1e9)
        chosen = scores.transpose(1, 2)[rows[:, 0], rows[:, 1]]
        on_target = chosen.masked_fill(~wanted[:, None], -1e9)
        return (chosen.logsumexp(-1) - on_target.logsumexp(-1)).mean()


def dense_loss(
    logits: tuple[Tensor, tuple[Tensor, ...]], characters: Tensor, planes: Tensor
) -> tuple[Tensor, Tensor]:
    """Cross entropies of characters and of planes; cells with nothing in them count less."""
    flat = logits[0].flatten(0, -2)
    targets = characters.reshape(-1)
    weights = torch.where(targets > 0, 1.0, 0.25)
    character_loss = (
        F.cross_entropy(flat, targets, reduction="none") * weights
    ).sum() / weights.sum()
    plane_loss = flat.new_zeros(())
    weights = torch.where(planes[:, 0] > 0, 1.0, 0.2).reshape(-1)
    for i, plane in enumerate(logits[1]):
        targets = planes[:, i].reshape(-1)
        losses = F.cross_entropy(plane.flatten(0, -2), targets, reduction="none", ignore_index=-100)
        plane_loss = plane_loss + (losses * weights).sum() / weights.sum()
    return character_loss, plane_loss


@torch.no_grad()
def align_words(net: DemoNet, vocabulary: dict[str, int]) -> None:
    """Start the decoder with words pointing where the dense heads already point.

    Without this the decoder stays at guessing for long; with it, looking things up is learnt
    within minutes. Queries and keys start equal, values and outputs transposed.
    """
    hidden = net.phi3v.config.hidden_size
    for layer in net.phi3v.model.layers:
        qkv, out = layer.self_attn.qkv_proj.weight, layer.self_attn.o_proj.weight
        same = nn.init.orthogonal_(qkv.new_empty(hidden, hidden))
        value = nn.init.orthogonal_(qkv.new_empty(hidden, hidden))
        qkv[:hidden].mul_(0.3).add_(same, alpha=0.7).mul_(1.8)
        qkv[hidden : 2 * hidden].mul_(0.3).add_(same, alpha=0.7).mul_(1.8)
        qkv[2 * hidden :].mul_(0.3).add_(value, alpha=0.7)
        out.mul_(0.3).add_(value.T, alpha=0.4)
    kind, colour, place, _, background, level = (
        w[1:] - w[1:].mean(0) for w in net.planes.weight.split(list(CLASSES.values()))
    )
    slots = net.characters.weight.view(CHARACTER_SLOTS, -1, hidden).mean(0)[1:]
    slots = slots - slots.mean(0)

    def point(words: tuple[str, ...], direction: Tensor) -> None:
        unit = F.normalize(direction, dim=0)
        for word in words:
            if word in vocabulary:
                i = vocabulary[word]
                net.phi3v.model.embed_tokens.weight[i].mul_(0.6).add_(unit * 0.24 * hidden**0.5)
                net.phi3v.lm_head.weight[i].mul_(0.6).add_(unit * 0.5)

    for name, i in KIND_ID.items():
        point((f" {name}", f" {plural(name)}"), kind[i - 1])
    for name, i in COLOUR_ID.items():
        point((f" {name}",), colour[i - 1] + 0.5 * background[i - 1])
    thirds = {"top": (0, 1, 2), "middle": (3, 5), "bottom": (6, 7, 8),
              "left": (0, 3, 6), "centre": (1, 4, 7), "right": (2, 5, 8)}  # fmt: skip
    for word, places in thirds.items():
        point((f" {word}",), place[list(places)].mean(0))
    for i, direction in enumerate(level):
        point((f" {level_percent(i)}%",), direction)
    for character, i in CHARACTER_ID.items():
        point((character, f" {character}"), slots[i - 1])

"""Items packed into training batches.

All conversations about the same pictures share one copy of their tokens: a block mask keeps
them from seeing each other, and their positions all start where the pictures end.
"""

import math
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch import Tensor

from phi3v_tui.conversation.crops import CropGrid
from phi3v_tui.demo.dialogue import Item, Span, Turn
from phi3v_tui.demo.drawing import GRID, overview_cell
from phi3v_tui.demo.network import DemoNet, image_tokens
from phi3v_tui.demo.views import Pictures, picture_tensors, views

IGNORED = -100
IMAGE = -1
"""Stand-in id for the positions that a picture's features take."""
DECISIVE_WEIGHT = 4.0
"""A verdict is one token among twenty that are plain looks, and the answer hangs on it."""


@dataclass
class Batch:
    """A batch of packed items; B items, T tokens.

    Attributes:
        ids: int64 [B, T], IMAGE where a picture stands.
        positions: int64 [B, T].
        targets: int64 [B, T], what each position should predict, or IGNORED.
        weights: float [B, T], how much each target counts: conclusions count more.
        turn_of: int64 [B, T], 1 + index of the turn that a target belongs to, else 0.
        chain: int64 [B, T], the conversation that a token belongs to: 0 for what all of an item
            share, -1 for padding.
        answers: int64 [N, 2], (item, position) of all targets that are not ignored.
        seen: The pictures, in the order of the placeholders.
        rows: int64 [R, 2], (item, position) of queries with supervised attention.
        wanted: bool [R, T], the keys they should look at.
        turns: The turns of each item, in the order of `turn_of`.
    """

    ids: Tensor
    positions: Tensor
    targets: Tensor
    weights: Tensor
    turn_of: Tensor
    chain: Tensor
    answers: Tensor
    seen: Pictures
    rows: Tensor
    wanted: Tensor
    turns: list[list[Turn]]


class _Row:
    """One item as a sequence of tokens."""

    def __init__(self, tokenizer: Tokenizer, grids: list[CropGrid]) -> None:
        self.tokenizer, self.grids = tokenizer, grids
        self.end, self.end_of_text = self.text("<|end|><|endoftext|>")
        self.ids: list[int] = []
        self.chain: list[int] = []
        self.positions: list[int] = []
        self.targets: dict[int, int] = {}
        self.turn_of: dict[int, int] = {}
        self.image_starts: list[int] = []
        self.looks: list[tuple[int, list[int]]] = []
        self.decisive: list[int] = []
        self.turns: list[Turn] = []

    def add(self, ids: list[int], chain: int, position: int) -> int:
        self.ids += ids
        self.chain += [chain] * len(ids)
        self.positions += range(position, position + len(ids))
        return position + len(ids)

    def text(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def pictures(self, count: int, chain: int, position: int) -> int:
        """Pictures of one message, with the <s> that each piece of text between them has."""
        for i in range(count):
            if i:
                position = self.add([1, *self.text("\n")], chain, position)
            tokens = self.grids[len(self.image_starts)].tokens(GRID)
            self.image_starts.append(len(self.ids))
            position = self.add([IMAGE] * tokens, chain, position)
        return position

    def item(self, item: Item) -> None:
        start = self.add([1, *self.text("<|user|>\n")], 0, 0)
        start = self.pictures(item.shared, 0, start)
        for chain, turns in enumerate(item.chains, 1):
            position = start
            for i, turn in enumerate(turns):
                position = self.turn(turn, chain, position, i == 0, item.shared)

    def turn(self, turn: Turn, chain: int, position: int, first: bool, shared: int) -> int:
        if not first:
            position = self.add(self.text("\n<|user|>\n"), chain, position)
        position = self.pictures(turn.new_pictures, chain, position)
        after_picture = (first and shared) or turn.new_pictures
        lead = [1, *self.text("\n")] if after_picture else []
        question = self.text(f"{turn.question}<|end|>\n<|assistant|>\n")
        position = self.add(lead + question, chain, position)
        return self.answer(turn, chain, position)

    def answer(self, turn: Turn, chain: int, position: int) -> int:
        encoded = self.tokenizer.encode(turn.answer.text, add_special_tokens=False)
        self.turns.append(turn)
        row = len(self.ids) - 1
        for i, token in enumerate([*encoded.ids, self.end, self.end_of_text]):
            self.targets[row + i] = token
            self.turn_of[row + i] = len(self.turns)
        for i, (start, _) in enumerate(encoded.offsets):
            for span in turn.answer.spans:
                if span.start <= start < span.end:
                    keys = self.words(span, encoded.offsets, row + 1) or self.keys(span.cells)
                    self.looks.append((row + i, keys))
                    if span.words:
                        self.decisive.append(row + i)
        return self.add([*encoded.ids, self.end], chain, position)

    def words(self, span: Span, offsets: list[tuple[int, int]], first: int) -> list[int]:
        """Token positions of the words that a part of an answer follows from."""
        return [
            first + i
            for i, (start, _) in enumerate(offsets)
            if any(begin <= start < end for begin, end in span.words)
        ]

    def keys(self, cells: tuple[tuple[int, tuple[int, int]], ...]) -> list[int]:
        """Token positions that show the cells; the separators where there are none."""
        if not cells:
            return [self.separator(picture) for picture in range(len(self.image_starts))]
        keys = []
        for picture, (row, column) in cells:
            grid = self.grids[picture]
            line = grid.cols * GRID + 1
            keys.append(self.image_starts[picture] + row * line + column)
            row, column = overview_cell((row, column), grid)
            keys.append(self.separator(picture) + 1 + row * (GRID + 1) + column)
        return keys

    def separator(self, picture: int) -> int:
        """Position of the token between the crops of a picture and its global view."""
        grid = self.grids[picture]
        return self.image_starts[picture] + grid.rows * GRID * (grid.cols * GRID + 1)


def pack(items: list[Item], tokenizer: Tokenizer) -> Batch:
    """Pack items into a batch."""
    rows = []
    for item in items:
        row = _Row(tokenizer, [picture.grid for picture in item.pictures])
        row.item(item)
        rows.append(row)
    # A multiple of what kernels for attention want a mask to be aligned to.
    length = math.ceil(max(len(r.ids) for r in rows) / 8) * 8
    ids, positions, turn_of = (torch.zeros(len(rows), length, dtype=torch.long) for _ in range(3))
    targets = torch.full((len(rows), length), IGNORED)
    weights = torch.ones(len(rows), length)
    chain = torch.full((len(rows), length), -1)
    looks = [(b, i, keys) for b, r in enumerate(rows) for i, keys in r.looks]
    wanted = torch.zeros(len(looks), length, dtype=torch.bool)
    for b, r in enumerate(rows):
        used = len(r.ids)
        ids[b, :used], positions[b, :used] = torch.tensor(r.ids), torch.tensor(r.positions)
        chain[b, :used] = torch.tensor(r.chain)
        targets[b, list(r.targets)] = torch.tensor(list(r.targets.values()))
        weights[b, r.decisive] = DECISIVE_WEIGHT
        turn_of[b, list(r.turn_of)] = torch.tensor(list(r.turn_of.values()))
    for i, (_, _, keys) in enumerate(looks):
        wanted[i, keys] = True
    pictures = [p for item in items for p in item.pictures]
    return Batch(
        ids, positions, targets, weights, turn_of, chain, (targets != IGNORED).nonzero(),
        picture_tensors(pictures),
        torch.tensor([(b, i) for b, i, _ in looks]).view(-1, 2), wanted, [r.turns for r in rows],
    )  # fmt: skip


def block_mask(chain: Tensor) -> Tensor:
    """bool [B, T, T], which keys each query may see: of the shared start and of the own chain."""
    length = chain.shape[1]
    ones = torch.ones(length, length, dtype=torch.bool, device=chain.device)
    same = (chain[:, None, :] == 0) | (chain[:, None, :] == chain[:, :, None])
    return (ones.tril() & same) | torch.eye(length, dtype=torch.bool, device=chain.device)


def forward(
    net: DemoNet, batch: Batch, tower_gradients: bool = False
) -> tuple[Tensor, Tensor | None]:
    """Final hidden states [B, T, hidden] and tower features [V, GRID, GRID, C]."""
    embeddings = net.phi3v.model.embed_tokens(batch.ids.clamp(min=0))
    features, seen = None, batch.seen
    if seen.grids:
        with torch.set_grad_enabled(tower_gradients and torch.is_grad_enabled()):
            features = net.tower.encode_crops(views(seen.crops, seen.grids))
            tokens = image_tokens(net.tower, features, seen.grids)
        places = (batch.ids < 0)[..., None].expand_as(embeddings)
        embeddings = embeddings.masked_scatter(places, tokens.to(embeddings.dtype))
    output = net.phi3v.model(
        inputs_embeds=embeddings,
        attention_mask=block_mask(batch.chain)[:, None],
        position_ids=batch.positions,
        use_cache=False,
    )
    return output.last_hidden_state, features

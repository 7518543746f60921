"""What training minimises."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from phi3v_tui.conversation.crops import CropGrid
from phi3v_tui.demo.curriculum import Stage
from phi3v_tui.demo.network import AttentionSupervision, DemoNet, dense_loss, image_tokens
from phi3v_tui.demo.packing import Batch, block_mask, forward
from phi3v_tui.demo.views import Pictures, count_views, views
from phi3v_tui.phi3v.image_embedding import Phi3VImageEmbedding


class Losses:
    """The losses of a network, and moving averages of them.

    Attributes:
        before: The tower that shapes should be told like; None where that does not matter.
        averages: By name, on the device of the network: a GPU is not waited for.
    """

    def __init__(self, net: DemoNet) -> None:
        self.net = net
        self.supervision = AttentionSupervision(net)
        self.before: Phi3VImageEmbedding | None = None
        self.averages: dict[str, Tensor] = {}

    def perception(self, stage: Stage, seen: Pictures, shapes: int) -> Tensor:
        """Dense losses: kinds and colours count for shape pictures, characters for text."""
        pixels = views(seen.crops, seen.grids)
        features = self.net.tower.encode_crops(pixels)
        slots, logits = self.net.dense(features)
        total = slots.new_zeros(())
        first = sum(map(count_views, seen.grids[:shapes]))
        if self.before is not None:
            grids = seen.grids[:shapes]
            then = self.before, pixels[:first]
            total = total + stage.keep * self._change(features[:first], grids, *then)
        for part, weights in ((slice(0, first), (0.1, 0.6)), (slice(first, None), (1.0, 1.2))):
            said = (slots[part], tuple(x[part] for x in logits))
            losses = dense_loss(said, seen.characters[part], seen.planes[part])
            self._note("characters", losses[0])
            self._note("planes", losses[1])
            total = total + weights[0] * losses[0] + weights[1] * losses[1]
        return total

    def _change(
        self,
        features: Tensor,
        grids: Sequence[CropGrid],
        before: Phi3VImageEmbedding,
        pixels: Tensor,
    ) -> Tensor:
        """How far what the decoder gets of shapes has moved, as a part of its variance."""
        now = image_tokens(self.net.tower, features, grids)
        with torch.no_grad():
            then = image_tokens(before, before.encode_crops(pixels), grids)
        moved = F.mse_loss(now, then) / then.var()
        self._note("moved", moved)
        return moved

    def language(self, stage: Stage, kind: str, batch: Batch) -> Tensor:
        """Cross entropy of the answers, attention supervision, and dense losses if wanted."""
        self.supervision.enabled = True
        hidden, features = forward(self.net, batch, tower_gradients=stage.tower_rate > 0)
        at = tuple(batch.answers.unbind(1))
        logits = self.net.phi3v.lm_head(hidden[at])
        losses = F.cross_entropy(logits, batch.targets[at], reduction="none")
        weights = batch.weights[at]
        loss = (losses * weights).sum() / weights.sum()
        self._note(kind, loss)
        if len(batch.rows):
            looking = self.supervision.loss(block_mask(batch.chain), batch.rows, batch.wanted)
            self._note(f"{kind} looking", looking)
            loss = loss + 0.5 * looking
        if stage.dense_weight and features is not None:
            seen = batch.seen
            text, planes = dense_loss(self.net.dense(features), seen.characters, seen.planes)
            text_weight = 1.0 if kind in ("chart", "cover") else 0.1
            loss = loss + stage.dense_weight * (text_weight * text + 0.5 * planes)
        return loss

    def _note(self, name: str, value: Tensor) -> None:
        """Keep a moving average of a loss."""
        new = value.detach()
        self.averages[name] = self.averages.get(name, new).lerp(new, 0.05)

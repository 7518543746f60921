"""Optimisers and learning rates."""

import torch

from phi3v_tui.demo.curriculum import Stage
from phi3v_tui.demo.network import DemoNet

OUTER_MATRICES = ("embed_tokens.weight", "position_embedding.weight", "lm_head.weight",
                  "characters.weight", "planes.weight")  # fmt: skip
"""Matrices that face words or pixels; Muon is for those between."""
WARM_UP_STEPS = 50
TOWER_PARTS = ("phi3v.model.vision_embed_tokens", "characters", "planes")


def make_optimizers(net: DemoNet, stage: Stage) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside, AdamW for the rest; the tower's rates are scaled."""
    groups: dict[bool, list[dict]] = {True: [], False: []}
    for is_tower in (False, True):
        scale = stage.tower_rate if is_tower else 1.0
        for muon in (True, False):
            rate = (stage.muon_rate if muon else stage.rate) * scale
            members = [
                p
                for name, p in net.named_parameters()
                if p.requires_grad
                and name.startswith(TOWER_PARTS) == is_tower
                and (p.ndim == 2 and not name.endswith(OUTER_MATRICES)) == muon
            ]
            if members:
                groups[muon].append({"params": members, "lr": rate, "initial_lr": rate})
    return [
        torch.optim.Muon(
            groups[True],
            weight_decay=0.05,
            momentum=0.95,
            ns_steps=4,
            adjust_lr_fn="match_rms_adamw",
        ),
        torch.optim.AdamW(groups[False], betas=(0.9, 0.98), weight_decay=0.01),
    ]


def set_rates(optimizers: list[torch.optim.Optimizer], stage: Stage, step: int, first: int) -> None:
    """Short warm-up, flat, then linearly down to 3 %.

    Args:
        optimizers: Get the rates.
        stage: Has the rates of the flat part, and when they begin to fall.
        step: Of the stage.
        first: Step with which this run began: the optimisers knew nothing then.
    """
    left = min(1.0, (1 - step / stage.steps) / stage.decay)
    factor = min(1.0, (step - first + 1) / WARM_UP_STEPS) * (0.03 + 0.97 * left)
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor

"""How far quantised weights move logits: `python -m tests.support.quantization_error`.

On the tiny checkpoints of the goldens, against the same weights in float32. Those weights are
random, which is the hardest case: trained ones are less sensitive.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from phi3v_tui.phi3v import Phi3VForCausalLM, loading, weights
from phi3v_tui.shapes import Quantization
from tests.support.goldens import MODELS, cases
from tests.support.model_cases import inputs_of
from tests.support.tiny_checkpoint import Tiny, write_checkpoint

_CPU = torch.device("cpu")
_LONGEST = 3000
_POSITIONS = 64


@dataclass(frozen=True, slots=True)
class Error:
    """What quantisation costs.

    Attributes:
        relative: Norm of the change of the logits, by the norm of the logits; mean of the cases.
        agreement: Share of positions with the same most likely token.
        divergence: Kullback-Leibler divergence of the next token's distribution, in nats.
    """

    relative: float
    agreement: float
    divergence: float


def load(folder: Path, dtype: torch.dtype, quantization: Quantization) -> Phi3VForCausalLM:
    """Load a checkpoint on the CPU."""
    checkpoint = weights.find(str(folder), _CPU, dtype, lambda *_: None)
    return loading.load(checkpoint, _CPU, dtype, lambda *_: None, quantization)


def logits(model: Phi3VForCausalLM, tiny: Tiny, names: list[str]) -> list[Tensor]:
    """Logits of the last positions of each case, float32 [positions, vocabulary]."""
    return [_logits(model, inputs_of(tiny, name)) for name in names]


def short_cases(tiny: Tiny, most: int = 8) -> list[str]:
    """Single cases of the goldens, without the longest."""
    single = [name for name in cases(tiny) if not name.startswith("batch_")]
    return [name for name in single if inputs_of(tiny, name)["input_ids"].numel() < _LONGEST][:most]


def error(found: list[Tensor], exact: list[Tensor]) -> Error:
    """Compare logits, case by case."""
    pairs = list(zip(found, exact, strict=True))
    relative = [float((a - b).norm() / b.norm()) for a, b in pairs]
    agreement = [float((a.argmax(-1) == b.argmax(-1)).float().mean()) for a, b in pairs]
    divergence = [_divergence(a, b) for a, b in pairs]
    count = len(pairs)
    return Error(sum(relative) / count, sum(agreement) / count, sum(divergence) / count)


@torch.no_grad()
def _logits(model: Phi3VForCausalLM, inputs: dict[str, Tensor]) -> Tensor:
    if "pixel_values" in inputs:
        inputs["pixel_values"] = inputs["pixel_values"].to(model.dtype)
    return model(**inputs, use_cache=False, logits_to_keep=_POSITIONS).logits[0].float()


def _divergence(found: Tensor, exact: Tensor) -> float:
    return float(
        torch.nn.functional.kl_div(
            found.log_softmax(-1), exact.log_softmax(-1), log_target=True, reduction="batchmean"
        )
    )


def _measured() -> Iterator[str]:
    for tiny in MODELS:
        with tempfile.TemporaryDirectory() as scratch:
            folder = write_checkpoint(tiny, Path(scratch) / tiny.name)
            names = short_cases(tiny)
            exact = logits(load(folder, torch.float32, Quantization.NONE), tiny, names)
            for dtype in (torch.float32, torch.bfloat16):
                for quantization in Quantization:
                    found = error(logits(load(folder, dtype, quantization), tiny, names), exact)
                    yield (
                        f"| {tiny.name} | {dtype} | {quantization} | {found.relative:.2%}"
                        f" | {found.agreement:.1%} | {found.divergence:.4f} |"
                    )


if __name__ == "__main__":
    for line in _measured():
        print(line, flush=True)

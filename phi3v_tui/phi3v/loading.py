"""From the files of a checkpoint to a model: every byte is read once, one tensor at a time.

The model is built without memory first. Each tensor is then read, brought to its device and
precision, quantised where it is to be, and put in its place: no second copy of the model exists.
"""

import re
from collections.abc import Iterator
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor

from phi3v_tui.errors import ModelError
from phi3v_tui.hub.download import Report
from phi3v_tui.phi3v.checkpoint import Checkpoint
from phi3v_tui.phi3v.configuration import Phi3VConfig
from phi3v_tui.phi3v.damage import DamagedFile, get_again, reading
from phi3v_tui.phi3v.modeling import Phi3VForCausalLM
from phi3v_tui.phi3v.packed_linear import PackedLinear, packing_works
from phi3v_tui.phi3v.quantize import LayerMaker, can_be_quantized, quantizer
from phi3v_tui.phi3v.rope import Phi3VRotaryEmbedding
from phi3v_tui.phi3v.tensor_files import Buffer, UnreadableError, Use, read_tensors
from phi3v_tui.shapes import Quantization


def load(
    checkpoint: Checkpoint,
    device: torch.device,
    dtype: torch.dtype,
    report: Report,
    quantization: Quantization = Quantization.NONE,
) -> Phi3VForCausalLM:
    """Read a checkpoint's weights.

    Args:
        checkpoint: From `weights.find`.
        device: Where they go.
        dtype: Their precision there.
        report: Told of the bytes read.
        quantization: Of the decoder's linear layers.

    Returns:
        The model, ready for inference.

    Raises:
        ModelError: The weights are damaged, or not those of the config.
    """
    assembly = _Assembly(_skeleton(checkpoint, dtype), device, dtype, quantization)
    try:
        for name, tensor in _read(checkpoint, assembly, report):
            assembly.place(name, tensor)
        return assembly.complete()
    except _Mismatch as error:
        raise ModelError(
            f"The weights in {checkpoint.folder} do not match the config.json there.",
            get_again(checkpoint.folder),
        ) from error


class _Mismatch(Exception):
    """The tensors of a checkpoint are not those of its config."""


def _skeleton(checkpoint: Checkpoint, dtype: torch.dtype) -> Any:
    """The model of a config, without memory."""
    with reading(checkpoint.folder / "config.json"):
        config = Phi3VConfig.from_pretrained(checkpoint.folder, dtype=dtype)
        with torch.device("meta"):
            return Phi3VForCausalLM(config)


def _read(
    checkpoint: Checkpoint, assembly: "_Assembly", report: Report
) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors that are used; a passing one is gone when the next one is asked for."""
    buffer = Buffer(pinned=assembly.device.type == "cuda")
    before, total = 0, checkpoint.weight_bytes

    def progress(position: int) -> None:
        report("Reading weights", before + position, total)

    for path in checkpoint.weight_files:
        try:
            yield from read_tensors(path, assembly.use, buffer, progress)
        except SafetensorError as error:
            raise DamagedFile(path) from error
        except UnreadableError as error:
            raise DamagedFile(path, f"cannot be read: {error}") from error
        before += path.stat().st_size


class _Assembly:
    """A model on its way from a skeleton without memory to one that can run."""

    def __init__(
        self, skeleton: Any, device: torch.device, dtype: torch.dtype, quantization: Quantization
    ) -> None:
        self._model = skeleton
        self.device = device
        self._dtype = dtype
        self._names = set(self._model.state_dict())
        self._tensors: dict[str, Tensor] = {}
        self._makers = _layer_makers(self._model, quantization, device, dtype)

    def use(self, published: str, stored: torch.dtype) -> Use:
        """What is wanted of a tensor in a file."""
        name = _our_name(published)
        if name not in self._names:
            return Use.NONE
        stays = self.device.type == "cpu" and stored == self._dtype and name not in self._makers
        return Use.LASTING if stays else Use.PASSING

    def place(self, published: str, tensor: Tensor) -> None:
        """Take a tensor as it is in a file."""
        name = _our_name(published)
        if make := self._makers.get(name):
            layer = name.removesuffix(".weight")
            if tensor.shape != self._model.get_submodule(layer).weight.shape:
                raise _Mismatch(name)
            self._model.set_submodule(layer, make(tensor.to(self.device)))
        else:
            passing = self.use(published, tensor.dtype) is Use.PASSING
            self._tensors[name] = tensor.to(self.device, self._dtype, copy=passing)

    def complete(self) -> Any:
        """The model, when everything is in its place."""
        model, tensors = self._model, self._tensors
        if model.config.tie_word_embeddings and "model.embed_tokens.weight" in tensors:
            tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"]
        try:
            model.load_state_dict(tensors, assign=True, strict=False)
        except RuntimeError as error:
            raise _Mismatch(str(error)) from error
        if any(tensor.is_meta for tensor in model.state_dict().values()):
            raise _Mismatch("some are missing")
        _fill_buffers(model, self.device)
        return model.eval().requires_grad_(False)


def _layer_makers(
    model: Any, quantization: Quantization, device: torch.device, dtype: torch.dtype
) -> dict[str, LayerMaker]:
    """What makes the layers that do not stay ordinary ones, by the names of their weights."""
    packer = _packer(device, dtype)
    makers: dict[str, LayerMaker] = {}
    if make := quantizer(quantization, device, dtype) or packer:
        layers = model.model.layers.named_modules(prefix="model.layers")
        makers = {f"{name}.weight": make for name, layer in layers if can_be_quantized(layer)}
    if packer and not model.config.tie_word_embeddings:
        makers["lm_head.weight"] = packer
    return makers


def _packer(device: torch.device, dtype: torch.dtype) -> LayerMaker | None:
    """What lays weights out for the CPU, where that pays."""
    pays = device.type == "cpu" and dtype == torch.bfloat16 and packing_works()
    return (lambda weight: PackedLinear(weight.to(dtype))) if pays else None


def _fill_buffers(model: Any, device: torch.device) -> None:
    """Make what no checkpoint holds, because it follows from the config."""
    model.model.rotary_emb = Phi3VRotaryEmbedding(model.config).to(device)
    embeddings = model.model.vision_embed_tokens.img_processor.embeddings
    embeddings.position_ids = torch.arange(embeddings.num_positions, device=device)[None]


def _our_name(published: str) -> str:
    """The name in the model of a tensor in a published file."""
    name = re.sub(r"(?<=\.img_processor\.)vision_model\.", "", published)
    return re.sub(r"^model\.vision_embed_tokens\.wte\.", "model.embed_tokens.", name)

"""Configuration of phi3_v checkpoints, read from the published config.json."""

from typing import Any

from transformers.models.clip.configuration_clip import CLIPVisionConfig
from transformers.models.phi3.configuration_phi3 import Phi3Config

CLIP_L_336: dict[str, Any] = {
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "image_size": 336,
    "patch_size": 14,
    "projection_dim": 768,
}
"""openai/clip-vit-large-patch14-336, which the published config only names."""

END_OF_SENTENCE = 2
"""`</s>`: the only stop token in the published files, and one that never ends a turn."""

PUBLISHED_STOP_TOKENS = [32007, 32000, END_OF_SENTENCE]
"""`<|end|>`, `<|endoftext|>` and `</s>` of the published tokenizer."""

CODE_BESIDE_THE_WEIGHTS = ("auto_map", "custom_pipelines")
"""Settings that name code of the checkpoint, which transformers may run."""


class Phi3VConfig(Phi3Config):
    """A Phi-3 decoder with a CLIP vision tower.

    Takes what the published config.json holds, and mends what transformers cannot use as it is:
    the rope type "su" is called longrope today, the pinned flash_attention_2 may not be installed,
    a sliding window as long as the context is none, and `eos_token_id` leaves out the tokens that
    really end a turn. Code that the file names is forgotten.

    Attributes:
        img_processor: The vision tower. `vision_config` in it holds CLIP vision settings; without
            it the tower is CLIP-L/336, as published.
        embd_layer: How picture features are laid out. There is one known way, "sub_glb".
    """

    model_type = "phi3_v"

    max_position_embeddings: int = 131072
    eos_token_id: int | list[int] | None = 32000
    img_processor: dict[str, Any] | None = None
    embd_layer: dict[str, Any] | None = None

    def __post_init__(self, **kwargs: Any) -> None:
        for name in ("_attn_implementation", *CODE_BESIDE_THE_WEIGHTS):
            kwargs.pop(name, None)
        self.img_processor = self.img_processor or {"name": "clip_vision_model"}
        self.embd_layer = self.embd_layer or {"hd_transform_order": "sub_glb"}
        self.sliding_window = None
        if kwargs.get("rope_scaling"):
            extension = self.max_position_embeddings / self.original_max_position_embeddings
            kwargs["rope_scaling"] = _longrope(kwargs["rope_scaling"], extension)
        if self.eos_token_id == END_OF_SENTENCE and self.vocab_size > max(PUBLISHED_STOP_TOKENS):
            self.eos_token_id = list(PUBLISHED_STOP_TOKENS)
        super().__post_init__(**kwargs)

    @property
    def tower_config(self) -> CLIPVisionConfig:
        """The layers of the vision tower that are used: all but the last.

        Picture features are hidden state -2 of the tower, so its last layer and the layer norm
        after it have no part in the result.
        """
        settings = dict((self.img_processor or {}).get("vision_config") or CLIP_L_336)
        settings["num_hidden_layers"] = settings["num_hidden_layers"] - 1
        return CLIPVisionConfig(**settings, attn_implementation=self._attn_implementation)

    @property
    def crop_size(self) -> int:
        """Side of a crop in pixels."""
        return self.tower_config.image_size

    @property
    def tokens_per_side(self) -> int:
        """Tokens along the side of one crop: each stands for two by two patches."""
        tower = self.tower_config
        return tower.image_size // tower.patch_size // 2


def _longrope(rope_scaling: dict[str, Any], extension: float) -> dict[str, Any]:
    """Rename the rope type "su" to its name of today.

    Args:
        rope_scaling: As published.
        extension: How many times longer the context is than in the original training; transformers
            works it out by itself too, but then warns at each loading.
    """
    renamed = {key: value for key, value in rope_scaling.items() if key != "type"}
    kind = rope_scaling.get("rope_type", rope_scaling.get("type"))
    if kind not in ("su", "longrope"):
        return renamed | {"rope_type": kind}
    return {"factor": extension} | renamed | {"rope_type": "longrope"}

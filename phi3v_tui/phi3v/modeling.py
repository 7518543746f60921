"""Phi-3-Vision: the Phi-3 decoder with pictures among its tokens.

The decoder and the tower are transformers' own; only what joins them is ours. Parameter names are
those of the published checkpoints.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import initialization
from transformers.cache_utils import Cache
from transformers.conversion_mapping import register_checkpoint_conversion_mapping
from transformers.core_model_loading import WeightRenaming
from transformers.generation.utils import GenerationMixin
from transformers.modeling_outputs import CausalLMOutputWithPast
from transformers.models.phi3.modeling_phi3 import Phi3ForCausalLM, Phi3Model
from transformers.utils.deprecation import deprecate_kwarg
from transformers.utils.generic import can_return_tuple

from phi3v_tui.conversation.crops import CropGrid
from phi3v_tui.errors import ModelError
from phi3v_tui.phi3v.configuration import END_OF_SENTENCE, Phi3VConfig
from phi3v_tui.phi3v.image_embedding import Phi3VImageEmbedding
from phi3v_tui.phi3v.placeholders import has_placeholders, num_pictures, place_features
from phi3v_tui.phi3v.rope import Phi3VRotaryEmbedding, RopeRegime


class Phi3VModel(Phi3Model):
    """The Phi-3 decoder, with what makes embeddings of pictures beside it."""

    config: Phi3VConfig
    _no_split_modules = ["Phi3DecoderLayer", "Phi3VImageEmbedding"]

    def __init__(self, config: Phi3VConfig) -> None:
        super().__init__(config)
        self.rotary_emb = Phi3VRotaryEmbedding(config)
        self.vision_embed_tokens = Phi3VImageEmbedding(config)
        unused = config.tower_config.num_hidden_layers
        tower = r"vision_embed_tokens\.img_processor\.(vision_model\.)?"
        self._keys_to_ignore_on_load_unexpected = [
            rf"{tower}post_layernorm\.",
            rf"{tower}encoder\.layers\.{unused}\.",
        ]
        self.post_init()

    def embed(self, input_ids: Tensor, features: Sequence[Tensor] = ()) -> Tensor:
        """Embed text and pictures.

        Args:
            input_ids: [rows, length], with -k for each token of a row's k-th picture.
            features: [tokens, hidden] of each picture, from `Phi3VForCausalLM.encode_image`.

        Returns:
            [rows, length, hidden].

        Raises:
            ModelError: Pictures and placeholders do not match.
        """
        text = self.embed_tokens(input_ids.clamp(min=0))
        return place_features(input_ids, text, features)

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, Phi3VImageEmbedding):
            for separator in (module.glb_GN, module.sub_GN):
                initialization.normal_(separator, std=self.config.initializer_range)


class Phi3VForCausalLM(Phi3ForCausalLM):
    """Phi-3-Vision with its language model head.

    Pictures stand in `input_ids` as negative ids: the k-th picture of a row is -k, once for each of
    its tokens.
    """

    config: Phi3VConfig
    input_modalities = ("image", "text")

    def __init__(self, config: Phi3VConfig) -> None:
        # Not Phi3ForCausalLM's, which would first build a decoder without pictures.
        super(Phi3ForCausalLM, self).__init__(config)
        self.model = Phi3VModel(config)
        self.vocab_size = config.vocab_size
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()

    @classmethod
    def from_pretrained(cls, *args: Any, **kwargs: Any) -> Any:
        """Load as transformers does, but data only: safetensors, and no code.

        With `trust_remote_code` it would run the checkpoint's custom_generate/generate.py.
        """
        kwargs.pop("trust_remote_code", None)
        return super().from_pretrained(*args, **{"use_safetensors": True} | kwargs)

    def encode_image(self, pixel_values: Tensor, layout: CropGrid) -> Tensor:
        """Encode one picture.

        Args:
            pixel_values: [layout.num_crops, 3, size, size]: the global view, then the crops row by
                row, without the padding that the processor puts behind them.
            layout: The grid that the crops lie in.

        Returns:
            [tokens, hidden], projected. It depends on nothing but the picture, so it can be kept
            for later turns.
        """
        return self.model.vision_embed_tokens([pixel_values], [layout])[0]

    def encode_images(self, pixel_values: Tensor, image_sizes: Tensor) -> list[Tensor]:
        """Encode pictures as they come from the processor; padding crops are left out.

        Args:
            pixel_values: [pictures, 1 + num_crops, 3, size, size].
            image_sizes: [pictures, 2], height and width of each grid in pixels.

        Returns:
            [tokens, hidden] of each picture.
        """
        size = pixel_values.shape[-1]
        grids = [CropGrid(height // size, width // size) for height, width in image_sizes.tolist()]
        pictures = [
            crops[: grid.num_crops] for crops, grid in zip(pixel_values, grids, strict=True)
        ]
        return self.model.vision_embed_tokens(pictures, grids)

    @can_return_tuple
    @deprecate_kwarg("past_key_values", "5.40.0", new_name="cache")
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        cache: Cache | None = None,
        inputs_embeds: Tensor | None = None,
        pixel_values: Tensor | None = None,
        image_sizes: Tensor | None = None,
        labels: Tensor | None = None,
        use_cache: bool | None = None,
        logits_to_keep: int | Tensor = 0,
        **kwargs: Any,
    ) -> CausalLMOutputWithPast:
        """Run the model; arguments as in transformers' Phi3ForCausalLM, and pictures.

        Args:
            input_ids: [rows, length], with -k for each token of a row's k-th picture.
            pixel_values: [pictures, 1 + num_crops, 3, size, size], those of the first row first.
            image_sizes: [pictures, 2].

        Raises:
            ModelError: Pictures and placeholders do not match, or the cache was filled with other
                rope factors than are needed now.
        """
        if inputs_embeds is None:
            inputs_embeds = self._embed(input_ids, pixel_values, image_sizes)
        length = inputs_embeds.shape[1]
        past_length = 0 if cache is None else int(cache.get_seq_length())
        if position_ids is None:
            positions = torch.arange(past_length, past_length + length, device=self.device)
            position_ids = positions[None]
        context = self.config.original_max_position_embeddings
        regime = RopeRegime.of(position_ids, past_length + length, context)
        regime.check(cache if past_length else None)
        outputs = super().forward(
            attention_mask=attention_mask,
            position_ids=position_ids,
            cache=cache,
            inputs_embeds=inputs_embeds,
            labels=labels,
            use_cache=use_cache,
            logits_to_keep=logits_to_keep,
            return_dict=True,
            **kwargs,
        )
        regime.mark(outputs.cache)
        return outputs

    def _embed(
        self, input_ids: Tensor | None, pixel_values: Tensor | None, image_sizes: Tensor | None
    ) -> Tensor:
        """Embed text, and pictures where there are any."""
        if input_ids is None:
            raise ValueError("forward() needs input_ids or inputs_embeds")
        if pixel_values is None:
            if has_placeholders(input_ids):
                raise ModelError(
                    "The text has places for pictures, but no pictures were given.",
                    "Pass on pixel_values and image_sizes from the processor too.",
                )
            return self.model.embed_tokens(input_ids)
        if image_sizes is None:
            raise ModelError(
                "pixel_values were given without image_sizes.",
                "Pass on everything that the processor returned.",
            )
        return self.model.embed(input_ids, self.encode_images(pixel_values, image_sizes))

    def generate(self, *args: Any, **kwargs: Any) -> Any:
        """Generate as transformers does, and stop where a turn really ends.

        The published generation_config.json names `</s>` alone, which the model never writes.
        """
        if self.generation_config.eos_token_id == END_OF_SENTENCE:
            self.generation_config.eos_token_id = self.config.eos_token_id
        return super().generate(*args, **kwargs)

    def prepare_inputs_for_generation(
        self,
        input_ids: Tensor,
        cache: Cache | None = None,
        attention_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        next_sequence_length: int | None = None,
        is_first_iteration: bool | None = False,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Choose what the next step computes.

        At the step that needs the long rope factors for the first time everything is computed
        again, pictures included, as if it were the first.
        """
        if self._needs_restart(input_ids, cache, attention_mask):
            cache, next_sequence_length, is_first_iteration = None, None, True
        # Not Phi3ForCausalLM's, which counts padding and forgets the pictures.
        return GenerationMixin.prepare_inputs_for_generation(
            self,
            input_ids,
            cache=cache,
            attention_mask=attention_mask,
            inputs_embeds=inputs_embeds,
            next_sequence_length=next_sequence_length,
            is_first_iteration=is_first_iteration,
            **kwargs,
        )

    def _expand_inputs_for_generation(
        self,
        expand_size: int = 1,
        is_encoder_decoder: bool = False,
        input_ids: Tensor | None = None,
        **kwargs: Any,
    ) -> tuple[Tensor | None, dict[str, Any]]:
        """Repeat each row for beams and samples, and with it its pictures in their order."""
        kept: dict[str, Tensor] = {}
        if expand_size > 1 and input_ids is not None:
            counts = [num_pictures(row) for row in input_ids]
            for name in ("pixel_values", "image_sizes"):
                if kwargs.get(name) is not None:
                    rows = kwargs.pop(name).split(counts)
                    kept[name] = torch.cat([row for row in rows for _ in range(expand_size)])
        input_ids, kwargs = super()._expand_inputs_for_generation(
            expand_size, is_encoder_decoder, input_ids, **kwargs
        )
        return input_ids, kwargs | kept

    def _assisted_decoding(
        self, input_ids: Tensor, *args: Any, generation_config: Any, **kwargs: Any
    ) -> Any:
        """Refuse to guess tokens ahead across the switch of rope factors.

        The step that checks guesses runs over all of them at once, and those on this side of the
        switch would be checked with the factors of the other.
        """
        context = self.config.original_max_position_embeddings
        if input_ids.shape[1] <= context < generation_config.max_length:
            raise ModelError(
                f"Prompt and answer may grow beyond {context} tokens, where guessing tokens ahead "
                "would give wrong ones.",
                "Generate without an assistant and without prompt lookup, or ask for fewer tokens.",
            )
        return super()._assisted_decoding(
            input_ids, *args, generation_config=generation_config, **kwargs
        )

    def _needs_restart(
        self, input_ids: Tensor, cache: Cache | None, attention_mask: Tensor | None
    ) -> bool:
        """Whether the cache was filled with the short rope factors and the long are needed."""
        context = self.config.original_max_position_embeddings
        regime = getattr(cache, "rope_regime", None)
        if regime is None or regime.long or input_ids.shape[1] <= context:
            return False
        if attention_mask is None:
            return True
        return int(attention_mask.sum(dim=-1).max()) > context


register_checkpoint_conversion_mapping(
    "phi3_v",
    # Some fine-tuned checkpoints hold the shared word embeddings under their second name only.
    [WeightRenaming(r"^model\.vision_embed_tokens\.wte\.weight$", "model.embed_tokens.weight")],
    overwrite=True,
)

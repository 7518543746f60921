"""Phi-3-Vision: CLIP tower, HD merge, projection and Phi-3 decoder.

The decoder and the tower are transformers' own; only what joins them is here. Parameter names are
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
from transformers.models.clip.modeling_clip import CLIPVisionModel
from transformers.models.phi3.modeling_phi3 import Phi3ForCausalLM, Phi3Model
from transformers.utils.generic import can_return_tuple

from phi3v_tui.conversation.crops import CropGrid
from phi3v_tui.errors import ModelError
from phi3v_tui.phi3v.configuration import END_OF_SENTENCE, Phi3VConfig
from phi3v_tui.phi3v.placeholders import has_placeholders, place_features
from phi3v_tui.phi3v.rope import Phi3VRotaryEmbedding, RopeRegime


class Phi3VImageEmbedding(nn.Module):
    """Turns the crops of a picture into token embeddings.

    Each crop goes through the tower; two by two patches become one token; the crops are laid side
    by side as they lie in the picture, each line ends in `sub_GN`, and `glb_GN` parts them from the
    global view, which comes last ("sub_glb").
    """

    def __init__(self, config: Phi3VConfig) -> None:
        super().__init__()
        tower = config.tower_config
        self.tokens_per_side = config.tokens_per_side
        self.img_processor = CLIPVisionModel(tower)
        # Hidden state -2 is taken before this norm; no weights, so that none are missed.
        self.img_processor.post_layernorm = nn.Identity()
        merged = 4 * tower.hidden_size
        self.glb_GN = nn.Parameter(torch.zeros(1, 1, merged))
        self.sub_GN = nn.Parameter(torch.zeros(1, 1, 1, merged))
        self.img_projection = nn.Sequential(
            nn.Linear(merged, config.hidden_size),
            nn.GELU(),
            nn.Linear(config.hidden_size, config.hidden_size),
        )

    def forward(self, pictures: Sequence[Tensor], grids: Sequence[CropGrid]) -> list[Tensor]:
        """Encode pictures.

        Args:
            pictures: [grid.num_crops, 3, size, size] each: the global view, then the crops row by
                row.
            grids: One for each picture.

        Returns:
            [tokens, hidden] for each picture.
        """
        views = [_distinct_views(picture) for picture in pictures]
        encoded = self.encode_crops(torch.cat(views)).split([len(view) for view in views])
        features = [
            part.expand(grid.num_crops, -1, -1, -1)
            for part, grid in zip(encoded, grids, strict=True)
        ]
        return [
            self.img_projection(self.merge(part, grid))
            for part, grid in zip(features, grids, strict=True)
        ]

    def encode_crops(self, crops: Tensor) -> Tensor:
        """Run the tower: [n, 3, size, size] -> [n, side, side, 4 * tower hidden]."""
        tower = self.img_processor
        patches = tower(pixel_values=crops.to(tower.dtype)).last_hidden_state[:, 1:]
        side, width = self.tokens_per_side, patches.shape[-1]
        squares = patches.view(-1, side, 2, side, 2, width).transpose(2, 3)
        return squares.reshape(-1, side, side, 4 * width)

    def merge(self, features: Tensor, grid: CropGrid) -> Tensor:
        """Lay out one picture: [grid.num_crops, side, side, d] -> [tokens, d]."""
        side, width = features.shape[1], features.shape[-1]
        crops = features[1:].view(grid.rows, grid.cols, side, side, width).transpose(1, 2)
        crops = crops.reshape(grid.rows * side, grid.cols * side, width)
        return torch.cat([self._lines(crops), self.glb_GN[0], self._lines(features[0])])

    def _lines(self, square: Tensor) -> Tensor:
        """End each line in a separator: [height, width, d] -> [height * (width + 1), d]."""
        height, _, width = square.shape
        ends = self.sub_GN[0].expand(height, 1, width)
        return torch.cat([square, ends], dim=1).flatten(0, 1)


def _distinct_views(crops: Tensor) -> Tensor:
    """Leave out the only crop where it equals the global view, as it does in a 1 x 1 grid."""
    return crops[:1] if len(crops) == 2 and torch.equal(crops[0], crops[1]) else crops


class Phi3VModel(Phi3Model):
    """The Phi-3 decoder, with what makes embeddings of pictures beside it."""

    config: Phi3VConfig

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
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        past_key_values: Cache | None = None,
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
        if inputs_embeds is None and input_ids is not None:
            inputs_embeds = self._embed(input_ids, pixel_values, image_sizes)
        length = inputs_embeds.shape[1]
        past_length = 0 if past_key_values is None else int(past_key_values.get_seq_length())
        if position_ids is None:
            positions = torch.arange(past_length, past_length + length, device=self.device)
            position_ids = positions[None]
        context = self.config.original_max_position_embeddings
        regime = RopeRegime.of(position_ids, past_length + length, context)
        regime.check(past_key_values if past_length else None)
        outputs = super().forward(
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            inputs_embeds=inputs_embeds,
            labels=labels,
            use_cache=use_cache,
            logits_to_keep=logits_to_keep,
            return_dict=True,
            **kwargs,
        )
        regime.mark(outputs.past_key_values)
        return outputs

    def _embed(
        self, input_ids: Tensor, pixel_values: Tensor | None, image_sizes: Tensor | None
    ) -> Tensor:
        """Embed text, and pictures where there are any."""
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
        past_key_values: Cache | None = None,
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
        if self._needs_restart(input_ids, past_key_values, attention_mask):
            past_key_values, next_sequence_length, is_first_iteration = None, None, True
        # Not Phi3ForCausalLM's, which counts padding and forgets the pictures.
        return GenerationMixin.prepare_inputs_for_generation(
            self,
            input_ids,
            past_key_values=past_key_values,
            attention_mask=attention_mask,
            inputs_embeds=inputs_embeds,
            next_sequence_length=next_sequence_length,
            is_first_iteration=is_first_iteration,
            **kwargs,
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

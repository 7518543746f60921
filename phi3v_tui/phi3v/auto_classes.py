"""transformers' Auto classes load phi3_v checkpoints with the code here, and with no other.

For configs and models transformers prefers a registered class to code beside the weights. Which
processor and tokenizer it takes, though, is up to names in the checkpoint's files, and with
`trust_remote_code=True` these may be those of code: so their Auto classes look at the checkpoint's
`model_type` first. Other checkpoints load as ever.

What stays outside: a LoRA adapter on the hub, where peft is installed, is loaded onto the base
model that its adapter_config.json names; transformers goes there before anything here is asked,
and if that one is no phi3_v model it is loaded, and trusted, as the caller says.
"""

import functools
from typing import Any

from transformers.configuration_utils import PreTrainedConfig
from transformers.models.auto.configuration_auto import AutoConfig
from transformers.models.auto.feature_extraction_auto import AutoFeatureExtractor
from transformers.models.auto.image_processing_auto import AutoImageProcessor
from transformers.models.auto.modeling_auto import AutoModelForCausalLM
from transformers.models.auto.processing_auto import AutoProcessor
from transformers.models.auto.tokenization_auto import AutoTokenizer
from transformers.models.auto.video_processing_auto import AutoVideoProcessor
from transformers.tokenization_utils_tokenizers import PreTrainedTokenizerFast

from phi3v_tui.phi3v.configuration import Phi3VConfig
from phi3v_tui.phi3v.image_processing import Phi3VImageProcessor
from phi3v_tui.phi3v.modeling import Phi3VForCausalLM
from phi3v_tui.phi3v.processing import Phi3VProcessor

_WHERE = ("cache_dir", "force_download", "local_files_only", "revision", "subfolder", "token")
_ABOUT_CODE = ("code_revision", "config", "trust_remote_code", "use_fast")


def register() -> None:
    """Make the Auto classes load phi3_v checkpoints."""
    AutoConfig.register(Phi3VConfig.model_type, Phi3VConfig, exist_ok=True)
    AutoModelForCausalLM.register(Phi3VConfig, Phi3VForCausalLM, exist_ok=True)
    _prefer(AutoProcessor, Phi3VProcessor)
    _prefer(AutoImageProcessor, Phi3VImageProcessor)
    # The published files name LlamaTokenizer, whose ids differ in transformers 5.
    _prefer(AutoTokenizer, PreTrainedTokenizerFast)
    for auto_class in (AutoFeatureExtractor, AutoVideoProcessor):
        _prefer(auto_class, None)


def _prefer(auto_class: Any, ours: Any) -> None:
    """Load phi3_v checkpoints as `ours`; if there is none, then at least without their code."""
    theirs = auto_class.from_pretrained

    @functools.wraps(theirs)
    def from_pretrained(pretrained_model_name_or_path: Any, *args: Any, **kwargs: Any) -> Any:
        if _is_phi3_v(pretrained_model_name_or_path, kwargs):
            if ours is not None:
                kept = {name: kwargs[name] for name in kwargs if name not in _ABOUT_CODE}
                return ours.from_pretrained(pretrained_model_name_or_path, *args, **kept)
            kwargs["trust_remote_code"] = False
        return theirs(pretrained_model_name_or_path, *args, **kwargs)

    auto_class.from_pretrained = staticmethod(from_pretrained)


def _is_phi3_v(name: Any, kwargs: dict[str, Any]) -> bool:
    where = {key: kwargs[key] for key in _WHERE if key in kwargs}
    try:
        config, _ = PreTrainedConfig.get_config_dict(name, **where)
    except (OSError, ValueError):
        return False
    return config.get("model_type") == Phi3VConfig.model_type

"""Phi-3-Vision as transformers classes. Importing this registers them with the Auto classes.

After it `AutoProcessor`, `AutoImageProcessor`, `AutoTokenizer`, `AutoConfig` and
`AutoModelForCausalLM` load published checkpoints with the code here, and none that lies beside the
weights runs, also where `trust_remote_code=True` is passed. For files from elsewhere prefer the
classes exported here: their `from_pretrained` never looks at the code that a checkpoint names.
"""

from transformers.models.auto.configuration_auto import AutoConfig
from transformers.models.auto.image_processing_auto import AutoImageProcessor
from transformers.models.auto.modeling_auto import AutoModelForCausalLM
from transformers.models.auto.processing_auto import AutoProcessor
from transformers.models.auto.tokenization_auto import TOKENIZER_MAPPING_NAMES

from phi3v_tui.phi3v.configuration import Phi3VConfig
from phi3v_tui.phi3v.image_processing import Phi3VImageProcessor
from phi3v_tui.phi3v.modeling import Phi3VForCausalLM
from phi3v_tui.phi3v.processing import Phi3VProcessor

__all__ = ["Phi3VConfig", "Phi3VForCausalLM", "Phi3VImageProcessor", "Phi3VProcessor"]


def _register() -> None:
    AutoConfig.register(Phi3VConfig.model_type, Phi3VConfig)
    AutoModelForCausalLM.register(Phi3VConfig, Phi3VForCausalLM)
    AutoProcessor.register(Phi3VConfig, Phi3VProcessor)
    AutoImageProcessor.register(Phi3VConfig, image_processor_classes={"pil": Phi3VImageProcessor})
    # The published files name LlamaTokenizer, whose ids differ in transformers 5.
    TOKENIZER_MAPPING_NAMES[Phi3VConfig.model_type] = "TokenizersBackend"


_register()

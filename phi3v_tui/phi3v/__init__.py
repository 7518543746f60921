"""Phi-3-Vision as transformers classes. Importing this registers them with the Auto classes.

After it `AutoProcessor`, `AutoImageProcessor`, `AutoTokenizer`, `AutoConfig` and
`AutoModelForCausalLM` load published checkpoints with the code here, and none that lies beside the
weights runs, also where `trust_remote_code=True` is passed (see `auto_classes`).
"""

from phi3v_tui.phi3v.auto_classes import register
from phi3v_tui.phi3v.configuration import Phi3VConfig
from phi3v_tui.phi3v.image_processing import Phi3VImageProcessor
from phi3v_tui.phi3v.modeling import Phi3VForCausalLM
from phi3v_tui.phi3v.processing import Phi3VProcessor

__all__ = ["Phi3VConfig", "Phi3VForCausalLM", "Phi3VImageProcessor", "Phi3VProcessor"]

register()

"""How the next token is chosen, by its place in the protocol; conversations keep it too."""

from phi3v_tui.conversation.sampling import SamplingParams

__all__ = ["SamplingParams"]

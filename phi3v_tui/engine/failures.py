"""From exceptions of the engine's thread to sentences, and what they held in memory given back."""

import logging
import traceback

from phi3v_tui.errors import ModelError, Phi3VTuiError

_log = logging.getLogger(__name__)


def explained(error: BaseException, what: str) -> Phi3VTuiError:
    """Turn a failure into a sentence; one that nobody foresaw goes to the log in full.

    Args:
        error: What was raised.
        what: What did not succeed, as the beginning of a sentence.
    """
    if isinstance(error, Phi3VTuiError):
        return error
    _log.exception(what, exc_info=error)
    first_line = (str(error).splitlines() or [""])[0]
    remedy = "The log file says more."
    if "CUDA error" in first_line:
        remedy = f"The GPU cannot be used until phi3v-tui has been started again. {remedy}"
    return ModelError(f"{what}: {type(error).__name__}: {first_line}.", remedy)


def let_go(error: BaseException | None) -> None:
    """Empty the frames through which an exception came: they hold tensors."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error.__traceback__ = None
        error = error.__cause__ or error.__context__

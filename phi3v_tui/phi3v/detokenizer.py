"""Ids -> text while they come."""

from collections.abc import Sequence

from phi3v_tui.phi3v.prompt import PromptTokenizer

_INCOMPLETE = "\ufffd"


class StreamDecoder:
    """Gives the text of an answer piece by piece; the pieces together are the whole text.

    A character of several bytes may take several tokens: its text is held back until it is
    complete. Only the ids since the last piece, and those of the piece before it, are decoded
    again for each token. (`tokenizers.decoders.DecodeStream` raises on bytes that never become a
    character, which a model can well write.)
    """

    def __init__(self, tokenizer: PromptTokenizer, begun: Sequence[int] = ()) -> None:
        """Decode an answer from its first id, or from where it was stopped.

        Args:
            tokenizer: The checkpoint's.
            begun: Ids whose text was given before.
        """
        self._tokenizer = tokenizer
        self._given: list[int] = list(begun)
        self._held: list[int] = []

    @property
    def held(self) -> int:
        """Ids at the end whose character is not complete; none where they have no text at all."""
        return len(self._held) if self._piece() else 0

    def push(self, token_id: int) -> str:
        """Text that this token completes; empty where there is none yet."""
        self._held.append(token_id)
        piece = self._piece()
        if not piece or piece.endswith(_INCOMPLETE):
            return ""
        self._given, self._held = self._held, []
        return piece

    def flush(self) -> str:
        """Text held back, at the end or on cancel; an incomplete character as U+FFFD."""
        piece, self._held = self._piece(), []
        return piece

    def _piece(self) -> str:
        """Decoded after the piece before it, for a tokenizer drops a leading space."""
        given = self._tokenizer.decode(self._given)
        whole = self._tokenizer.decode(self._given + self._held)
        if whole.startswith(given):
            return whole[len(given) :]
        # An incomplete character spoils the complete ones beside it; those were given already.
        return self._tokenizer.decode(self._held)

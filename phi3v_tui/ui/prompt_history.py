"""Prompts that were sent before, brought back with the arrow keys."""


class PromptHistory:
    """Like a shell's: up goes back, down comes forward again to what was being typed."""

    def __init__(self) -> None:
        """Begin without prompts."""
        self._prompts: list[str] = []
        self._place = 0
        self._changed: dict[int, str] = {}

    def fill(self, prompts: list[str]) -> None:
        """Take prompts of earlier times, the newest first, behind those sent since."""
        older = [text for text in reversed(prompts) if text not in self._prompts]
        self._prompts = [*dict.fromkeys(older), *self._prompts]
        self._begin()

    def add(self, prompt: str) -> None:
        """Take a prompt that is sent."""
        if prompt in self._prompts:
            self._prompts.remove(prompt)
        self._prompts.append(prompt)
        self._begin()

    def step(self, by: int, typed: str) -> str | None:
        """Go back (-1) or forward (1).

        Args:
            by: The direction.
            typed: What stands in the composer now.

        Returns:
            What to show instead; None where there is nothing further.
        """
        place = self._place + by
        if not 0 <= place <= len(self._prompts):
            return None
        # Also where a prompt of before was changed: coming back, it is found so.
        self._changed[self._place] = typed
        self._place = place
        return self._changed[place] if place in self._changed else self._prompts[place]

    def unsent(self, typed: str) -> str:
        """What is being typed, also while a prompt of before is shown; that one if it was changed.

        Args:
            typed: What stands in the composer now.
        """
        if self._place == len(self._prompts):
            return typed
        changed = "" if typed == self._prompts[self._place] else typed
        return "\n\n".join(filter(None, (self._changed.get(len(self._prompts), ""), changed)))

    def _begin(self) -> None:
        self._place = len(self._prompts)
        self._changed.clear()

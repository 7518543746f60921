"""Errors that a person can cause or mend: each says what happened and what to do."""


class Phi3VTuiError(Exception):
    """Base of every error that is shown to people.

    Attributes:
        title: One sentence saying what happened.
        remedy: One sentence saying what to do about it.
    """

    def __init__(self, title: str, remedy: str) -> None:
        super().__init__(f"{title} {remedy}".strip())
        self.title = title
        self.remedy = remedy


class AttachmentError(Phi3VTuiError):
    """A file that was to be attached is missing, is no picture, or is damaged."""


class MissingFileError(AttachmentError):
    """A file that was to be attached is not on this machine."""


class ContextFullError(Phi3VTuiError):
    """The conversation does not fit into the model's context."""


class ModelError(Phi3VTuiError):
    """A model cannot be found, downloaded, loaded or run."""


class StoreError(Phi3VTuiError):
    """Conversations cannot be read from or written to the disk."""


class OutputError(Phi3VTuiError):
    """An answer cannot be written to where it was to go."""


class SettingsError(Phi3VTuiError):
    """A setting has a value that makes no sense."""


class CommandError(Phi3VTuiError):
    """A slash command that there is not, or that was typed in a wrong way."""

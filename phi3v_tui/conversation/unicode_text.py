"""Text that every file and every library takes."""


def encodable(text: str) -> str:
    """Text without lone surrogates, which file names and pipes can hold and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")

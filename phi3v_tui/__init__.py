"""Chat with Phi-3-Vision in the terminal."""

__version__ = "0.1.0"

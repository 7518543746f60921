"""What the interface talks to: the Engine protocol and its events."""

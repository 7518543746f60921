"""What app, plain mode and commands share: words, files, clipboard and terminal.

Nothing here draws on the screen, so it imports neither textual nor one of the interfaces.
"""

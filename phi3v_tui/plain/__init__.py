"""The conversation line by line, for screen readers, simple terminals and scripts.

No colours, no cursor movements, nothing that is drawn over. It imports no textual.
"""

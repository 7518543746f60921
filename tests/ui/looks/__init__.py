"""How the states of the app look. After a wanted change: pytest tests/ui/looks --snapshot-update.

Then look at every picture that has changed, as a person who sees it for the first time.
"""

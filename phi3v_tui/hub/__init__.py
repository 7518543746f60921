"""Checkpoints on the hub: which revisions, what of them is on this machine, and downloads.

Nothing here imports torch: listing and downloading models must not wait for it.
"""

"""`phi3v-tui bench`: whether answers are right, and how fast they come beside transformers.

The process that is started draws up the plan and the table and never imports torch; all work with
a model is done by child processes, one task each (`processes`, `worker`).
"""

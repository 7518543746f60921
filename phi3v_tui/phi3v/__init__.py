"""phi3_v, the Phi-3-Vision architecture, native to current transformers."""

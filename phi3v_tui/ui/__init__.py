"""The Textual app. It never imports torch, transformers or phi3v_tui.phi3v."""

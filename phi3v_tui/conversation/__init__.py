"""Pure data: messages, attachments, conversations. No torch, no textual."""

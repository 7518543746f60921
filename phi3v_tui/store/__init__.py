"""What must never be lost: conversations on disk, and transcripts."""

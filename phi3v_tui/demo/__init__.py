"""The bundled small checkpoint, and the code that drew its pictures and trained it."""

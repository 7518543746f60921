"""How many pixels a cell of the terminal has: sixels must be drawn to measure."""

from phi3v_tui.interface.terminal_query import Cell, measured_cell

_KEYS = 0
_USUAL: Cell = (10, 20)
_told: list[Cell] = []


def remember(cell: Cell | None) -> None:
    """Keep what the terminal said when it was asked: it cannot be asked while the app runs."""
    _told[:] = [cell] if cell else []


def cell_size() -> Cell:
    """Pixels of a cell now: people enlarge the letters while the app runs."""
    return measured_cell(_KEYS) or (_told[0] if _told else _USUAL)

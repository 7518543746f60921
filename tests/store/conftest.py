"""A history in a folder of its own."""

import pytest

from phi3v_tui.store.history import History


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "history.sqlite3"


@pytest.fixture
def history(path):
    history = History(path)
    yield history
    history.close()

"""How pictures are drawn on terminals that differ in what they say of themselves."""

import pytest

from tests.e2e.conftest import SIZES

KNOWS_SIXEL = "62;4;22"


def test_sixels_where_the_terminal_says_that_it_knows_them(start, circle):
    app = start(str(circle), size=SIZES[1], attributes=KNOWS_SIXEL, cell=(10, 20))
    app.wait_for(lambda _: app.drew_sixels)


@pytest.mark.parametrize("options", [{}, {"attributes": KNOWS_SIXEL}])
def test_half_cells_where_it_does_not_or_tells_no_measure(start, circle, options):
    app = start(str(circle), size=SIZES[1], **options)
    assert "[?62" not in app.wait_for("▀")
    assert not app.drew_sixels

"""Work beside the interface."""

import gc

import pytest

from tests.ui.steps import wait_until


@pytest.mark.parametrize(
    "begin",
    [
        lambda chat: chat.meter.look(),
        lambda chat: chat.meter.look_soon(),
        lambda chat: chat.search_bar.open(),
    ],
)
async def test_work_that_never_begins_leaves_no_coroutine_behind(make_app, engine, recwarn, begin):
    app = make_app()
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: engine.limits() and not app.workers)
        begin(app.chat)
        assert app.workers
        app.workers.cancel_all()
        await wait_until(pilot, lambda: not app.workers)
    gc.collect()
    assert [str(one.message) for one in recwarn if "never awaited" in str(one.message)] == []

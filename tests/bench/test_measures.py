"""Statistics, speeds and the roofline: arithmetic."""

import pytest

from phi3v_tui.bench import measures
from phi3v_tui.bench.measures import MEASURES, Roofline, Spread
from tests.bench.canned import reply, run

NAMED = {measure.name: measure for measure in MEASURES}


def test_a_spread_of_an_odd_and_an_even_number():
    assert Spread.of([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0)
    assert Spread.of([4.0, 1.0, 2.0, 3.0]) == Spread(2.5, 1.0, 4.0)
    assert Spread.of([]) is None


def test_its_percent_is_half_the_way_from_lowest_to_highest():
    assert Spread(2.0, 1.0, 3.0).percent == 50
    assert Spread(0.0, 0.0, 0.0).percent == 0


def test_speeds():
    answer = reply(prompt=100, reused=40, first=0.5, decode=2.0)
    assert measures.decode_speed(answer) == 2.0  # four tokens after the first, in two seconds
    assert measures.prefilled(answer) == 60
    assert measures.prefill_speed(answer) == 120.0


def test_new_tokens_are_what_the_last_prompt_added():
    assert measures.new_tokens([reply(prompt=100), reply(prompt=135)]) == 30


def test_the_roofline_counts_weights_and_context():
    roofline = Roofline(bandwidth=5000.0, weight_bytes=1000, kv_bytes=2)
    assert roofline.tokens_per_second(0) == 5.0
    assert roofline.tokens_per_second(750) == 2.0
    # 747.5 and half of five tokens lie before the middle of the answer.
    assert roofline.share(reply(prompt=747.5, decode=2.0)) == 100.0
    assert roofline.share(reply(prompt=747.5, decode=4.0)) == 50.0


def test_measures_read_the_turn_that_they_name():
    replies = [reply(100 * turn, 50 * turn, first=turn / 10) for turn in range(1, 6)]
    chat = run(conversations={"chat": replies})
    found = {name: measure.value(chat, None) for name, measure in NAMED.items()}
    assert found["chat.turn1.first_token_s"] == 0.1
    assert found["chat.turn5.first_token_s"] == 0.5
    assert found["chat.turn5.prefilled_tokens"] == found["chat.turn5.reused_tokens"] == 250
    assert found["chat.turn5.new_tokens"] == 95
    assert found["text.first_token_s"] is None
    assert found["chat.roofline_percent"] is None
    assert found["ready_s"] == 1.0


def test_a_measure_is_taken_over_all_repeats():
    runs = [run(ready=seconds) for seconds in (3.0, 1.0, None, 2.0)]
    assert measures.spread(NAMED["ready_s"], runs, None) == Spread(2.0, 1.0, 3.0)


@pytest.mark.parametrize("name", NAMED)
def test_names_say_their_input(name):
    given = NAMED[name].input
    assert name.startswith(f"{given}." if given else ("ready", "cancel", "memory"))

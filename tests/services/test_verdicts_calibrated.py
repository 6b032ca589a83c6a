"""A short run of `bench/verdict_calibration.py` with a fixed seed: verdicts are right as often as they say."""

import pytest

from bench.verdict_calibration import DATA, WANTED_POWER, WIDEST, measured, tango


@pytest.mark.parametrize("data", [DATA[0], DATA[2], DATA[7]], ids=lambda data: data.title)
def test_simulated_verdicts_alarm_find_and_cover_as_promised(data):
    found = measured(data, rows=30, comparisons=150, seed=1)

    assert found.false_alarms <= 0.05 + 2 * (0.05 * 0.95 / 150) ** 0.5
    assert found.plain_power > 0.3 and found.power >= WANTED_POWER * found.plain_power
    assert found.width <= WIDEST and found.coverage >= 0.93


def test_the_bench_compares_with_tangos_published_interval():
    """Airway hyper-responsiveness, 7 and 1 of 21 changed (Fagerland, Lydersen and Laake 2014, Stat. Med. 33:2850)."""
    assert tango(7, 1, 21) == pytest.approx((0.026, 0.517), abs=5e-4)

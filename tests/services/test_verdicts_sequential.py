"""The always-valid test: its capital cannot grow by itself, and finds what is worse."""

import numpy as np
import pytest

from services.verdicts import sequential
from services.verdicts.sequential import Capital, Seen


def expected(share, other, new, pooled):
    """The mean factor over arm and quality, for each drop that is bet on."""
    weights = ((False, 1 - share, other), (True, share, new))
    return sum(
        weight
        * (
            rate * sequential.factors(pooled, share, arm, True)
            + (1 - rate) * sequential.factors(pooled, share, arm, False)
        )
        for arm, weight, rate in weights
    )


@pytest.mark.parametrize("share", [0.05, 0.25, 0.5])
@pytest.mark.parametrize("pooled", [0.01, 0.5, 0.9, 0.999])
def test_equal_or_better_versions_never_make_money(share, pooled):
    """Exactly 1 for equal versions, whatever their quality and whatever was guessed of it; at most 1 for a better one."""
    for rate in (0.0, 0.3, 0.9, 1.0):
        assert expected(share, rate, rate, pooled) == pytest.approx(np.ones(len(sequential.DROPS)))
        assert (expected(share, rate, min(rate + 0.05, 1.0), pooled) <= 1 + 1e-9).all()


def stream(drop, answers, seed, share=0.5):
    chance = np.random.default_rng(seed)
    new = chance.random(answers) < share
    good = chance.random(answers) < 0.9 - drop * new
    return [Seen(bool(one), share, float(fine)) for one, fine in zip(new, good, strict=True)]


def test_a_drop_of_ten_points_is_found_and_none_is_not():
    line = sequential.line(0.05, 1)
    assert sequential.of_verdicts(stream(0.1, 1500, 1)).peak > line
    assert sum(sequential.of_verdicts(stream(0.0, 300, seed)).peak > line for seed in range(20)) <= 3


def test_a_better_version_is_never_harm():
    assert sequential.of_verdicts(stream(-0.1, 1500, 2)).peak < 5


def test_slower_within_the_tolerance_is_no_harm_and_twice_as_slow_is():
    chance = np.random.default_rng(4)

    def timed(factor):
        new, seconds = chance.random(600) < 0.25, chance.lognormal(0, 0.5, 600)
        return [
            Seen(bool(one), 0.25, float(time * (factor if one else 1))) for one, time in zip(new, seconds, strict=True)
        ]

    line = sequential.line(0.05, 1)
    assert (
        sequential.of_amounts(timed(1.15), tolerance=0.2).peak
        < line
        < sequential.of_amounts(timed(2.0), tolerance=0.2).peak
    )


def test_without_both_versions_nothing_is_learned():
    capital = Capital()
    for _ in range(50):
        capital.add(True, 1.0, False)
    assert (capital.peak, capital.rate(True), capital.rate(False)) == (1.0, 0.0, None)


def test_more_capitals_need_more_evidence():
    assert (sequential.line(0.05, 1), sequential.line(0.05, 4)) == (20, 80)

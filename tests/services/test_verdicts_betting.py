"""The interval that holds at every look: nobody makes money against the truth, and what is better or worse is found."""

import numpy as np
import pytest

from services.verdicts import betting
from services.verdicts.betting import Told

LINE = 20.0


def split(change, answers, seed, share=0.5, level=0.8):
    chance = np.random.default_rng(seed)
    new = chance.random(answers) < share
    good = chance.random(answers) < level + change * new
    return [[Told(bool(one), bool(fine), bool(fine))] for one, fine in zip(new, good, strict=True)]


def couples(new_good, old_good):
    pairs = zip(new_good, old_good, strict=True)
    return [[Told(False, bool(old), bool(old)), Told(True, bool(new), bool(new))] for new, old in pairs]


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
@pytest.mark.parametrize("before", [0.1, 0.9])
def test_a_gain_of_a_split_is_the_change_whatever_was_guessed(share, before):
    """In expectation over who answers and how well, for any share of good answers before."""
    for old, new in ((0.9, 0.9), (0.9, 0.6), (0.2, 1.0)):
        expected = 0.0
        for arm, weight, rate in ((False, 1 - share, old), (True, share, new)):
            for good, chance in ((1.0, rate), (0.0, 1 - rate)):
                expected += weight * chance * (good - before) * (1 / share if arm else -1 / (1 - share))
        assert expected == pytest.approx(new - old)


@pytest.mark.parametrize(("change", "word"), [(0.15, "better"), (-0.15, "worse"), (0.0, "neither")])
def test_what_is_better_or_worse_is_found_and_else_nothing(change, word):
    found = betting.of_split(split(change, 1500, 3), 0.5, LINE)
    assert found.low <= change <= found.high
    assert (found.low > 0, found.high < 0) == (word == "better", word == "worse")
    assert (found.evidence >= LINE) == (word == "worse")


def test_equal_versions_rarely_look_changed_however_often_one_looks():
    found = [betting.of_split(split(0.0, 300, seed), 0.5, LINE) for seed in range(60)]
    assert sum(one.low > 0 or one.high < 0 for one in found) <= 6


def test_pairs_need_fewer_answers_where_questions_differ():
    chance = np.random.default_rng(5)
    hard = chance.random(200) < 0.5
    found = betting.of_pairs(couples(~hard & (chance.random(200) < 0.85), ~hard), LINE)
    assert found.high < 0
    assert betting.of_pairs(couples(~hard, ~hard), LINE).low <= 0 <= betting.of_pairs(couples(~hard, ~hard), LINE).high


def test_a_little_slower_is_neither_harm_nor_better():
    rounds = [[(False, 1.0 + n % 7 / 10), (True, (1.0 + n % 7 / 10) * 1.15)] for n in range(300)]
    found = betting.of_pairs(betting.within(rounds, 0.2), LINE)
    assert found.low < 0 <= found.high and found.evidence < LINE
    assert betting.of_pairs(betting.within(rounds, 0.0), LINE).high < 0


def test_without_answers_nothing_is_known():
    assert betting.of_pairs([], LINE) == betting.of_split([], 0.5, LINE) == betting.Change(-1.0, 1.0, 1.0)

"""Published worked examples, to the digits they give."""

import numpy as np
import pytest
from scipy.stats import binom

from services.verdicts import agreement, intervals, paired, sizes

# Newcombe (1998), Stat. Med. 17:2635, Table III, method 10: pairs (both, first only, second only, neither) and limits.
NEWCOMBE = [
    ((36, 12, 2, 0), (0.0569, 0.3404)),
    ((20, 12, 2, 16), (0.0562, 0.3292)),
    ((18, 12, 2, 18), (0.0562, 0.3290)),
    ((36, 14, 0, 0), (0.1528, 0.4167)),
    ((35, 14, 0, 1), (0.1461, 0.4175)),
    ((18, 14, 0, 18), (0.1441, 0.3963)),
    ((2, 97, 1, 0), (0.8721, 0.9854)),
    ((1, 97, 1, 1), (0.8736, 0.9850)),
    ((0, 29, 1, 0), (0.6666, 0.9882)),
    ((2, 98, 0, 0), (0.9178, 0.9945)),
    ((1, 98, 0, 1), (0.9171, 0.9916)),
    ((0, 30, 0, 0), (0.8395, 1.0)),
    ((54, 0, 0, 0), (-0.0664, 0.0664)),
    ((53, 0, 0, 1), (-0.0729, 0.0729)),
    ((30, 0, 0, 24), (-0.0358, 0.0358)),
]
# Darwin's maize: crossed minus self-fertilised plants, eighths of an inch (Fisher 1935, The Design of Experiments, 17).
DARWIN = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48], dtype=float)


@pytest.mark.parametrize(("cells", "limits"), NEWCOMBE)
def test_paired_shares_have_newcombes_published_limits(cells, limits):
    # The table has one limit cut instead of rounded: 0.8736 for 0.87365.
    assert intervals.paired_shares(*cells) == pytest.approx(limits, abs=1e-4)


def test_mcnemars_exact_test_gives_the_published_chance():
    """Airway hyper-responsiveness before and after a transplantation (Fagerland, Lydersen and Laake 2013, BMC MRM 13:91)."""
    assert paired.mcnemar(7, 1) == pytest.approx(0.0703, abs=5e-5)


def test_fishers_randomisation_of_darwins_plants_is_reproduced():
    """Of the 32,768 ways to turn the 15 differences round, 863 reach the observed sum at each end (Fisher 1935, 21)."""
    assert paired.sign_flips(DARWIN) * 2**15 == pytest.approx(2 * 863)


def test_wilcoxons_test_gives_the_published_chance():
    """Depression before and after a tranquilliser (Hollander and Wolfe 1973, p. 29): T+ = 40, one-sided P = 0.0195."""
    before = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
    after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]
    assert paired.ranks(np.array(before) - np.array(after)) / 2 == pytest.approx(0.0195, abs=5e-5)


def test_kappa_its_error_and_interval_are_the_published_ones():
    """Two dermatologists on 88 patients (SAS/STAT User's Guide, PROC FREQ, “Agreement Study”)."""
    found = agreement.of_table([[10, 4, 1, 0], [5, 10, 12, 2], [2, 4, 12, 5], [0, 2, 6, 13]])

    assert (found.kappa, found.error) == pytest.approx((0.3449, 0.0724), abs=5e-5)
    assert (found.low, found.high) == pytest.approx((0.2030, 0.4868), abs=5e-5)


def test_holms_correction_gives_the_published_steps():
    """Four hypotheses at 0.01, 0.04, 0.03, 0.005 (Wikipedia, “Holm–Bonferroni method”): only the first and last fall."""
    assert paired.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_few_drawn_turns_agree_with_all_of_them(monkeypatch):
    exact = paired.sign_flips(DARWIN)
    monkeypatch.setattr(paired, "ENUMERATED", 10)
    paired._turns.cache_clear()
    drawn = paired.sign_flips(DARWIN)
    monkeypatch.setattr(paired, "DRAWN", 10)

    assert drawn == pytest.approx(exact, abs=0.007)
    assert paired.sign_flips(np.tile(DARWIN, 20)) < 1e-6
    paired._turns.cache_clear()


def test_randomisation_of_pass_and_fail_is_mcnemars_test():
    for better, worse in ((5, 0), (6, 0), (9, 1), (3, 8)):
        changes = np.array([1.0] * better + [-1.0] * worse + [0.0] * 4)
        assert paired.sign_flips(changes) == pytest.approx(paired.mcnemar(better, worse))


@pytest.mark.parametrize(("better", "worse"), [(0.2, 0.1), (0.15, 0.02), (0.05, 0.15)])
def test_the_promised_rows_do_find_it_four_times_of_five(better, worse):
    rows = sizes.for_shares(better, worse, 0.05)
    changed = np.arange(rows + 1)
    fewest = binom.ppf(0.025, changed, 0.5) - 1  # so few the other way round are rare enough
    fewest += 2 * binom.cdf(fewest + 1, changed, 0.5) <= 0.05
    toward = better / (better + worse)
    found = binom.cdf(fewest, changed, toward) + binom.sf(changed - fewest - 1, changed, toward)

    assert 0.76 <= float(binom.pmf(changed, rows, better + worse) @ found) <= 0.88

"""Verdicts: exact, paired by row, and unsure when chance would do."""

import pandas as pd
import pytest

from services import verdicts
from services.verdicts import compare


def table(
    passed: list[bool | None], critical: list[int] | None = None, failed: list[int] | None = None
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "row_id": [f"r{number}" for number in range(len(passed))],
            "state": ["ERROR" if number in (failed or []) else "OK" for number in range(len(passed))],
            "critical": [number in (critical or []) for number in range(len(passed))],
            "good": pd.Series(passed, dtype=object),
        }
    )


@pytest.mark.parametrize(
    ("better", "worse", "word", "p_value"),
    [
        (0, 0, "cannot tell", 1.0),
        (5, 0, "cannot tell", 0.0625),
        (6, 0, "better", 0.03125),
        (0, 6, "worse", 0.03125),
        (9, 1, "better", 0.021484375),
        (8, 2, "cannot tell", 0.109375),
    ],
)
def test_the_test_is_mcnemars_exact_one(better: int, worse: int, word: str, p_value: float) -> None:
    candidate = table([True] * better + [False] * worse + [True] * 5)
    baseline = table([False] * better + [True] * worse + [True] * 5)

    verdict = compare(candidate, baseline, ["good"])

    assert (verdict.word, verdict.better, verdict.worse, verdict.rows) == (word, better, worse, better + worse + 5)
    assert verdict.p_value == pytest.approx(p_value)


def test_rows_are_paired_by_id_not_by_place() -> None:
    baseline = table([True, False, True])

    assert compare(baseline.iloc[::-1], baseline, ["good"]).better == 0
    assert compare(baseline.iloc[:2], baseline, ["good"]).rows == 2


def test_new_failures_on_critical_rows_are_named() -> None:
    verdict = compare(
        table([False, False, True], critical=[0, 2]), table([True, True, False], critical=[0, 2]), ["good"]
    )

    assert verdict.new_critical == ["r0"]


def test_failed_missing_and_unjudged_rows_do_not_pass() -> None:
    rows = table([True, True, None], failed=[0])

    assert list(verdicts.passes(rows, ["good"])) == [False, True, False]
    assert not verdicts.passes(rows, ["good", "unknown"]).any()


def test_evaluations_without_shared_rows_cannot_be_told_apart() -> None:
    verdict = compare(table([True]), table([]), ["good"])

    assert (verdict.word, verdict.rows) == ("cannot tell", 0)
    assert "share no questions" in str(verdicts.sentence(verdict))


@pytest.mark.parametrize(
    ("now", "before", "said"), [(True, False, "Better"), (False, True, "Worse"), (True, True, "came out the same")]
)
def test_the_sentence_says_the_word_and_the_numbers(now: bool, before: bool, said: str) -> None:
    sentence = str(verdicts.sentence(compare(table([now] * 8), table([before] * 8), ["good"])))

    assert said in sentence and "8" in sentence


def test_a_row_that_comes_twice_counts_once() -> None:
    rows = table([False, True], critical=[0])

    verdict = compare(pd.concat([rows, rows]), table([True, True]), ["good"])

    assert (verdict.rows, verdict.new_critical) == (2, ["r0"])

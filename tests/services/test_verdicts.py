"""Verdicts: exact, paired by row, and unsure when chance would do."""

import json

import numpy as np
import pandas as pd
import pytest

from services import verdicts
from services.verdicts import Verdict, VerdictSettings, agreement, compare


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


def numbers(values: list[float], name: str = "useful") -> pd.DataFrame:
    rows = table([True] * len(values))
    return rows.drop(columns="good").assign(**{name: values})


def repeated(shares: list[int], repeats: int = 3) -> pd.DataFrame:
    """One line per question and repeat; `shares` says how many of its repeats each question passed."""
    asked = [table([number < passed for passed in shares]).assign(repeat=number + 1) for number in range(repeats)]
    return pd.concat(asked, ignore_index=True)


def told(verdict: Verdict, name: str) -> str:
    found = next(one for one in verdict.scorers if one.name == name)
    return " ".join(str(one) for one in found.sentences)


def test_numbers_are_compared_by_their_mean_with_its_interval() -> None:
    before = np.tile([1.0, 2.0, 3.0, 4.0, 5.0], 6)
    change = np.tile([0.5, 0.1, 0.4, -0.1, 0.2, 0.3], 5)
    verdict = compare(numbers(list(before + change)), numbers(list(before)), ["useful"])

    found = verdict.scorers[0]
    assert (verdict.word, found.kind, found.better, found.worse, found.same) == ("better", "number", 25, 5, 0)
    assert found.difference == pytest.approx(0.2333, abs=1e-4) and found.low < found.difference < found.high
    assert verdict.interval == (found.low, found.high) and found.low > 0 and verdict.needed_rows == 0
    assert "By ranks" in told(verdict, "useful") and "+0.23" in told(verdict, "useful")


def test_an_unanswered_question_gets_the_worst_number_of_the_scale() -> None:
    candidate = numbers([5.0] * 10).assign(state=["ERROR"] + ["OK"] * 9)
    candidate.loc[[0, 1], "useful"] = float("nan")
    found = compare(candidate, numbers([5.0] * 10), ["useful"], VerdictSettings(scales={"useful": (1, 5)})).scorers[0]

    assert (found.rows, found.worse) == (9, 1)
    assert found.now == pytest.approx((8 * 5 + 1) / 9)
    assert "1 question got no number" in " ".join(map(str, found.sentences))


def test_repeats_of_a_question_are_one_row() -> None:
    before, after = [1] * 10, [3] * 4 + [1] * 6
    verdict = compare(repeated(after), repeated(before), ["good"])

    assert (verdict.rows, verdict.better, verdict.worse, verdict.repeats) == (10, 4, 0, 3)
    assert verdict.difference == pytest.approx(4 * (2 / 3) / 10)
    assert list(verdicts.passes(repeated([0, 1, 2, 3]), ["good"])) == [False, False, True, True]
    tripled = compare(pd.concat([table([True] * 6)] * 3), pd.concat([table([False] * 6)] * 3), ["good"])
    assert tripled.rows == 6 and tripled.p_value == pytest.approx(0.03125)


def test_each_scorer_is_corrected_for_the_others() -> None:
    after, before = table([True] * 8), table([False] * 6 + [True] * 2)
    for number in range(3):
        after[f"same {number}"] = before[f"same {number}"] = True
    alone, among = compare(after, before, ["good"]), compare(after, before, list(after.columns[3:]))

    assert (alone.scorers[0].word, among.scorers[0].word) == ("better", "cannot tell")
    assert among.scorers[0].adjusted_p == pytest.approx(4 * 0.03125)
    assert "of 4 scorers one may well look changed" in told(among, "good")
    assert among.word == "better", "the whole is one test and costs nothing"


def test_a_change_within_the_noise_of_equal_versions_says_nothing() -> None:
    after, before = table([True] * 20), table([False] * 8 + [True] * 12)
    noise = verdicts.noise(table([True] * 10 + [False] * 10), table([False] * 10 + [True] * 10), ["good"])
    assert noise == {"good": 0.0, verdicts.OVERALL: 0.0}

    quiet = compare(after, before, ["good"], VerdictSettings(noise=noise))
    loud = compare(after, before, ["good"], VerdictSettings(noise={"good": 0.5, verdicts.OVERALL: 0.5}))
    assert (quiet.word, loud.word, loud.scorers[0].word) == ("better", "cannot tell", "cannot tell")
    assert "asked twice differed by 50.0 points" in told(loud, "good")


@pytest.mark.parametrize(("rows", "shown"), [(20, False), (400, True)])
def test_not_worse_by_more_than_the_margin_is_its_own_statement(rows: int, shown: bool) -> None:
    same = table([True, False] * (rows // 2))
    verdict = compare(same, same, ["good"], VerdictSettings(margin=0.05))

    assert (verdict.word, verdict.not_worse, verdict.scorers[0].not_worse) == ("cannot tell", shown, shown)
    assert ("Shown: it is not worse by more than 5.0 points" in told(verdict, "good")) is shown
    assert shown or "more questions would show it" in told(verdict, "good")


def test_how_many_more_rows_would_settle_it_is_told() -> None:
    """With 4 of 20 better and 1 worse: Connor's sample size of 84.8, 1/d = 6.7 for the exact test, less the 20 there are."""
    verdict = compare(table([True] * 4 + [False] + [True] * 15), table([False] * 4 + [True] * 16), ["good"])

    assert (verdict.word, verdict.needed_rows) == ("cannot tell", 72)
    assert f"About {verdicts.about(verdict.needed_rows)} more questions" in " ".join(map(str, verdict.sentences))
    assert compare(table([True] * 9), table([True] * 9), ["good"]).needed_rows is None


def test_better_on_the_whole_and_worse_by_one_scorer_is_no_better() -> None:
    size = 60
    before = table([False] * 40 + [True] * 20).assign(useful=np.linspace(1, 5, size))
    after = table([True] * size).assign(useful=np.linspace(1, 5, size) - np.tile([0.5, 0.6], 30))
    verdict = compare(after, before, ["good", "useful"])

    assert (verdict.word, verdict.mixed) == ("cannot tell", ("useful",))
    assert "worse by useful" in str(verdicts.sentence(verdict))


def both(passed: list[bool], values: list[float]) -> pd.DataFrame:
    return table([*passed]).assign(useful=values)


def test_the_whole_tells_the_numbers_when_they_decided() -> None:
    before, change = np.tile([1.0, 2.0, 3.0, 4.0], 5), np.tile([0.5, 0.3, 0.4, 0.0, 0.2], 4)
    always = [True] * 20
    verdict = compare(both(always, list(before + change)), both(always, list(before)), ["good", "useful"])

    assert (verdict.word, verdict.better, verdict.worse, verdict.kind) == ("better", 16, 0, "number")
    assert "Better: 16 of 20 questions got better" in str(verdicts.sentence(verdict))
    assert verdict.difference == pytest.approx(0.28) and verdict.interval[0] > 0 and verdict.p_value < 0.05
    assert any("The mean changed by +0.28" in str(one) for one in verdict.sentences)


def test_a_change_that_may_be_chance_is_not_called_the_same() -> None:
    always, before = [True] * 6, [3.0] * 6
    verdict = compare(both(always, [4.0, 2.0, *before[2:]]), both(always, before), ["good", "useful"])
    assert "1 of 6 questions got better and 1 worse" in str(verdicts.sentence(verdict))


def test_a_numeric_scorer_that_judged_nothing_hides_no_other() -> None:
    before = numbers(list(np.linspace(1, 4, 20))).assign(kind=2.0, unknown=float("nan"))
    after = numbers(list(np.linspace(1, 4, 20) + np.tile([0.5, 0.4], 10))).assign(kind=2.0, unknown=float("nan"))
    scales = {"useful": (1, 5), "kind": (1, 5), "unknown": (1, 5)}
    names = ["useful", "kind", "unknown"]
    for frame in (before, after):
        frame.loc[0, "unknown"] = 3.0 if frame is before else float("nan")
    verdict = compare(after, before, names, VerdictSettings(scales=scales))

    assert (verdict.word, verdict.rows, verdict.better) == ("better", 20, 20)
    alone = compare(
        after.drop(columns=["useful", "kind"]).assign(good=True), before.assign(good=True), ["good", "unknown"]
    )
    assert (alone.rows, alone.p_value) == (20, 1.0)


@pytest.mark.parametrize("repeats", [1, 5])
def test_repeats_that_never_differ_are_no_further_evidence(repeats: int) -> None:
    same = pd.concat([numbers([3.0] * 10).assign(repeat=number) for number in range(repeats)])
    found = compare(same, same, ["useful"], VerdictSettings(scales={"useful": (1, 5)})).scorers[0]
    assert found.high == pytest.approx((1 - 0.025 ** (1 / 10)) * 4) and not found.not_worse


def test_rows_that_all_moved_leave_room_for_others_that_move_as_far_the_other_way() -> None:
    before = pd.concat([numbers([1.0] * 10).assign(repeat=number) for number in range(3)])
    after = pd.concat([numbers([5.0] * 10).assign(repeat=number) for number in range(3)])
    found = compare(after, before, ["useful"], VerdictSettings(scales={"useful": (1, 5)})).scorers[0]

    others = 1 - 0.025 ** (1 / 10)
    assert (found.low, found.high) == pytest.approx((4 - others * 8, 4)), (
        "what moves the other way loses twice the scale"
    )


def test_the_interval_holds_zero_exactly_when_the_test_cannot_tell() -> None:
    for better in range(9):
        for worse in range(9 - better):
            verdict = compare(
                table([True] * better + [False] * worse + [True] * 4),
                table([False] * better + [True] * worse + [True] * 4),
                ["good"],
            )
            low, high = verdict.interval
            assert (low <= 0 <= high) == (verdict.word == "cannot tell") or 0 in (low, high)


def test_a_verdict_survives_storage_also_as_it_once_was() -> None:
    verdict = compare(repeated([3, 1, 2]), repeated([1, 1, 3]), ["good"])
    assert Verdict.from_json(json.loads(json.dumps(verdict.to_json()))) == verdict
    old = {"word": "better", "better": 6, "worse": 0, "p_value": 0.03, "rows": 9, "new_critical": []}
    assert "6 of 9 questions got better" in str(verdicts.sentence(Verdict.from_json(old)))


def test_a_scorer_that_one_evaluation_lacks_is_not_compared() -> None:
    verdict = compare(table([True] * 8), table([True] * 8).drop(columns="good"), ["good"])
    assert (verdict.scorers[0].rows, verdict.scorers[0].low) == (0, None)


def test_agreement_of_a_judge_with_people_is_counted_and_told() -> None:
    judge, people = [True] * 40 + [False] * 10 + [None], [True] * 35 + [False] * 15 + [True]
    found = agreement.measure(judge, people)

    assert (found.n, found.agreed, found.labels, found.table) == (50, 45, (True, False), ((35, 5), (0, 10)))
    assert found.kappa == pytest.approx(0.7368, abs=1e-4) and found.low < found.kappa < found.high
    assert "45 of 50" in str(agreement.sentences(found)[0])
    assert agreement.measure([True, True], [True, True]).kappa is None


@pytest.mark.parametrize("people", [[False], [True, False, True]])
def test_an_agreement_without_a_measurable_error_claims_no_certainty(people: list[bool]) -> None:
    found = agreement.measure([True, False, True][: len(people)], people)
    assert found.error == pytest.approx(0.0, abs=1e-9) and (found.low, found.high) == (None, None)
    assert "most likely" not in str(agreement.sentences(found)[1])
    assert "cannot tell how sure" in str(agreement.sentences(found)[1])


@pytest.mark.parametrize("turned", [False, True])
def test_one_who_always_says_the_same_agrees_no_more_than_chance_would(turned: bool) -> None:
    judge, people = [True] * 25, [True] * 19 + [False] * 6
    found = agreement.measure(*((people, judge) if turned else (judge, people)))

    assert (found.kappa, found.error) == pytest.approx((0.0, 0.0), abs=1e-9)
    assert (found.low, found.high) == (None, None)
    assert "kappa): 0.00. 1 is always" in str(agreement.sentences(found)[1])
    assert agreement.measure([True] * 9, [False] * 9).kappa == 0.0

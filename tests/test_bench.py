"""What the measures are judged by: growth with its uncertainty, costs and goals, a report that hides no failed row."""

import importlib.util
import random

import pytest

from bench import __main__ as bench
from bench import report
from bench.results import Measured, keep, read
from bench.rows import ROWS, Row
from bench.soak import growth
from bench.soak.ledger import CONFIRMED, Ledger

HOUR = 3600


def life(megabytes, seconds, noise=1.0, since=0.0):
    """Samples of a process that grows by so much in an hour."""
    chance = random.Random(1)
    return [
        (since + at, 300 + megabytes * at / HOUR + chance.gauss(0, noise))
        for at in range(0, int(seconds), int(growth.EVERY))
    ]


@pytest.mark.parametrize(
    ("megabytes", "seconds", "verdict"),
    [
        (0, 2 * HOUR, "flat"),
        (30, 2 * HOUR, "grows"),
        (30, 600, "cannot tell"),
        (0, 600, "cannot tell"),
        (0, 10, "cannot tell"),
    ],
)
def test_growth_is_told_only_where_it_can_be_told(megabytes, seconds, verdict):
    found = growth.memory("web", [life(megabytes, seconds)])
    assert found.verdict == verdict
    if verdict == "grows":
        assert abs(found.slope - megabytes / found.mean * 100) < 2 * found.off


def test_lives_with_other_levels_are_not_taken_for_growth():
    """A process that was killed begins again at another level."""
    lives = [[(at, value + level) for at, value in life(0, HOUR, since=level * 100)] for level in (0, 50, 100)]
    assert growth.memory("web", lives).verdict == "flat"


def test_a_cost_counts_rates_the_other_way_round():
    slower = Measured("x", "", 20.0, 10.0, "peer", "ms", goal=1.5)
    rate = Measured("x", "", 20.0, 10.0, "peer", "per second", goal=1.0, more=True)
    assert (slower.cost, slower.met, rate.cost, rate.met) == (2.0, False, 0.5, True)
    assert Measured("x", "", 1.0, 1.0, "peer", "ms").met is None


def test_the_ledger_counts_a_thing_once_and_knows_what_it_was_told(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    asked = ledger.ask("question", 1)
    ledger.ask("question", 2)
    ledger.confirm(asked, trace_id="tr-1")
    ledger.trouble("the disk is full", asked.at - 5, asked.at + 5)
    assert [one.id for one in ledger.of("question", CONFIRMED)] == ["1"]
    assert dict(ledger.counts()) == {"question": {"confirmed": 1, "refused": 0, "asked": 1}}
    assert ledger.during(asked.at, ("the disk is full",)) and not ledger.during(asked.at + 6, ("the disk is full",))
    assert ledger.during(asked.at - 8, ("the disk is full",), before=4)


def test_a_report_names_failed_rows_missed_goals_and_what_was_not_run(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_RESULTS", str(tmp_path / "one.jsonl"))
    keep(Measured("save <a> version", "10 & more", 30.0, 10.0, "MLflow's call", "ms", goal=2.0))
    row = Row("one", "First & last", "nothing", (), (), ())
    ended = {"failed": "it ended with code 1, see one.log", "seconds": 3.0, "load": 0.5}
    report.write(tmp_path, "tiny", [(row, ended, read(tmp_path / "one.jsonl")), (ROWS[0], {}, [])])
    told, drawn = (tmp_path / "report.md").read_text(), (tmp_path / "bench-one.svg").read_text()
    assert "0 of 1 goals are met" in told and "missed: save <a> version, 10 & more: cost 3.00, goal 2" in told
    assert "First & last: it ended with code 1" in told and f"Not run:\n\n- {ROWS[0].title}" in told
    assert "save &lt;a&gt; version" in drawn and "goal 2 missed" in drawn


def test_a_row_that_fails_leaves_the_rest(tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "ROWS", (Row("gone", "Gone", "no_such_module", (), (), ()), ROWS[0]))
    assert "FAILED" in bench.measure(bench.ROWS[0], "tiny", tmp_path)
    assert bench.told(tmp_path, bench.ROWS[0])["failed"].startswith("it ended with code 1")
    assert bench.told(tmp_path, ROWS[0]) == {}


def test_every_row_names_a_script_that_is_there():
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names)
    assert [row.module for row in ROWS if importlib.util.find_spec(f"bench.{row.module}") is None] == []

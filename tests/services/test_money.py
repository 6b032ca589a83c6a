"""Costs in an app's currency: one rate for everything that is shown, dollars for everything that is stored."""

import csv
import io
import json
from dataclasses import replace

import pytest

from services import alerts, apps, monitoring, readmodel, traces
from services.alerts import Rule, Series, Way, words
from services.alerts.seen import Found, Seen
from services.apps import Gate, gate_in_words
from services.errors import InvalidInputError
from services.money import Currency
from services.monitoring import Asked
from services.traces.rows import COST
from tests.left_traces import leave

YEN = Currency("JPY", 150.0)


@pytest.mark.parametrize(
    ("currency", "dollars", "written"),
    [
        (Currency(), 1234.5, "US$\N{NO-BREAK SPACE}1,234.50"),
        (Currency(), 0.25, "US$\N{NO-BREAK SPACE}0.25"),
        (Currency(), 0.00012, "US$\N{NO-BREAK SPACE}0.00012"),
        (Currency(), 0.0, "US$\N{NO-BREAK SPACE}0.00"),
        (Currency(), -0.004, "US$\N{NO-BREAK SPACE}-0.004"),
        (Currency(), None, "–"),
        (Currency(), float("nan"), "–"),
        (YEN, 10.0, "¥1,500"),
        (YEN, 0.01, "¥1.5"),
        (YEN, 0.02, "¥3"),
        (Currency(), 0.02, "US$\N{NO-BREAK SPACE}0.02"),
        (YEN, 0.0, "¥0"),
        (Currency("EUR", 0.5), 3.0, "€1.50"),
        (Currency("CHF", 2.0), 0.5, "CHF\N{NO-BREAK SPACE}1.00"),
        (Currency("CAD", 1.0), 1.0, "CA$\N{NO-BREAK SPACE}1.00"),
    ],
)
def test_an_amount_says_its_currency_and_keeps_the_digits_that_count(currency, dollars, written):
    assert currency.written(dollars) == written


@pytest.mark.parametrize(
    ("code", "rate"), [("USD", 1.1), ("JPY", 0.0), ("JPY", -1.0), ("JPY", float("nan")), ("YEN", 150.0), ("", 1.0)]
)
def test_what_is_no_rate_of_a_currency_is_refused(workspace, code, rate):
    form = replace(apps.form_of(workspace.app), currency=code, currency_rate=rate)
    assert "currency" in apps.problems(form)
    with pytest.raises(InvalidInputError):
        apps.save(workspace, form)


@pytest.fixture
def in_yen(workspace):
    """An app in Japanese yen with a trace that cost two US cents."""
    form = replace(apps.form_of(workspace.app), currency="JPY", currency_rate=150.0)
    app = apps.save(workspace, form)
    leave(workspace, more={COST: json.dumps({"input_cost": 0.015, "output_cost": 0.005, "total_cost": 0.02})})
    return workspace.for_app(app)


def test_charts_tables_and_traces_speak_of_one_currency(in_yen):
    readmodel.catch_up(in_yen, 60)
    found = monitoring.overview(in_yen, Asked())
    (row,) = readmodel.find(in_yen, readmodel.TraceQuery()).rows
    assert found.money == in_yen.app.money == YEN
    assert found.money.written(found.total.cost) == YEN.written(traces.get(in_yen, row.trace_id).cost) == "¥3"
    lines = list(csv.DictReader(io.StringIO(monitoring.as_csv(found))))
    assert "cost_usd" not in lines[0]
    assert sum(float(line["cost_jpy"] or 0) for line in lines) == pytest.approx(3.0)


def test_a_limit_keeps_its_worth_when_the_currency_changes(in_yen):
    rule = alerts.save(in_yen, Rule("", "Dear", Series.COST, Way.ABOVE, limit=YEN.dollars(1500)))
    assert rule.limit == 10.0
    seen = Seen(0, Found.FIRES, 20.0, float("nan"), 5, 0)
    assert str(words.said(rule, seen, YEN)) == "¥3,000 were spent; the limit is at most ¥1,500."
    assert (
        str(words.said(rule, seen, Currency()))
        == "US$\N{NO-BREAK SPACE}20.00 were spent; the limit is at most US$\N{NO-BREAK SPACE}10.00."
    )
    assert str(alerts.describe(rule, YEN)) == "Cost of all answers above ¥1,500 in 1 hour"
    told = [str(one) for one in gate_in_words(Gate({"short": 0.5}, cost=0.01), YEN)]
    assert "At most ¥1.5 per answer" in told

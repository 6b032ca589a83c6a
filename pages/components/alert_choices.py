"""What the form of an alert rule offers, in words."""

from services.alerts import Baseline, Series, Way
from services.messages import mark

SERIES = {
    Series.PASSED: mark("Pass rate of a scorer"),
    Series.ERRORS: mark("Share of failed questions"),
    Series.LATENCY: mark("Time within which 95 of 100 answers come"),
    Series.VOLUME: mark("Number of questions"),
    Series.TOKENS: mark("Tokens used"),
    Series.COST: mark("Cost of all answers"),
    Series.DISAGREEMENT: mark("Disagreement of people with a scorer"),
    Series.DRIFT: mark("Drift: what people ask and are answered"),
    Series.SILENCE: mark("Silence: no questions, or no verdicts"),
}
WAY = {
    Way.ABOVE: mark("it is above a limit"),
    Way.BELOW: mark("it is below a limit"),
    Way.RISES: mark("it rises more than chance would make it"),
    Way.FALLS: mark("it falls more than chance would make it"),
    Way.CHANGES: mark("it rises or falls more than chance would make it"),
}
BASELINE = {
    Baseline.SAME_HOURS: mark("the same hours of the last 7 days"),
    Baseline.BEFORE: mark("the time right before, of the same length"),
}
ONCE_IN = {"week": mark("in a week"), "month": mark("in a month"), "quarter": mark("in a quarter of a year")}
CHANNEL = {"webhook": mark("Signed webhook"), "slack": mark("Slack"), "email": mark("E-mail")}
AGAIN = {0: mark("never"), 1: mark("after 1 hour"), 6: mark("after 6 hours"), 24: mark("after a day")}
# How it is usually watched, and the limit where there is one.
USUAL = {
    Series.PASSED: (Way.BELOW, 0.8),
    Series.ERRORS: (Way.ABOVE, 0.05),
    Series.LATENCY: (Way.ABOVE, 10.0),
    Series.VOLUME: (Way.CHANGES, 100.0),
    Series.TOKENS: (Way.RISES, 100_000.0),
    Series.COST: (Way.ABOVE, 10.0),
    Series.DISAGREEMENT: (Way.ABOVE, 0.3),
    Series.DRIFT: (Way.CHANGES, 0.05),
    Series.SILENCE: (Way.STOPS, 0.0),
}

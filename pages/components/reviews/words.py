"""How queues, what is asked in them and what people said are written everywhere."""

from typing import Any

from pages.components import session
from services.messages import mark
from services.reviews import Kind, Label, Pick, Queue, Rule, Way

_ = session.text
PICK = {
    Pick.FAILED: mark("A scorer did not pass them"),
    Pick.DISAGREE: mark("A scorer and people disagree"),
    Pick.COMPLAINT: mark("People gave a thumbs-down"),
    Pick.RANDOM: mark("A random share"),
    Pick.CRITICAL: mark("Critical questions of the newest evaluation"),
    Pick.EVALUATION: mark("Answers of one evaluation"),
}
KIND = {
    Kind.PASS: mark("Passes or not"),
    Kind.CATEGORY: mark("One of some categories"),
    Kind.NUMBER: mark("A number"),
    Kind.TEXT: mark("Free text"),
    Kind.ANSWER: mark("The right answer"),
}
HOURS = {
    24.0: mark("Last day"),
    24.0 * 7: mark("Last 7 days"),
    24.0 * 30: mark("Last 30 days"),
    24.0 * 90: mark("Last 90 days"),
}
# Kept as they stand here and read in the reader's language; whatever else is kept was typed.
SKIP = (
    mark("I do not know enough about it"),
    mark("The question cannot be understood"),
    mark("What is needed to judge is not shown"),
    mark("It holds personal data"),
    mark("Somebody else should judge it"),
)


def rule(asked: Rule) -> str:
    """Why the answers of a queue wait, in one line."""
    told = [_(PICK[asked.pick])]
    told += [_("scorer {name}", name=asked.scorer)] if asked.scorer else []
    if asked.pick is Pick.RANDOM:
        told.append(session.percent(asked.share))
    if asked.pick in (Pick.FAILED, Pick.COMPLAINT, Pick.RANDOM):
        told.append(_(HOURS[asked.hours]) if asked.hours in HOURS else _("last {n} hours", n=round(asked.hours)))
        told += [] if asked.live_only else [_("also tried by hand and in evaluations")]
    told += [_("critical questions only")] if asked.critical else []
    return " · ".join(told)


def people(queue: Queue) -> str:
    """Who judges, and how many judge each answer."""
    who = ", ".join(queue.reviewers) or _("everyone who may review")
    told = [_("Reviewers: {who}", who=who)]
    if queue.seats > 1:
        told.append(_("two people judge each answer"))
        told.append(_("referee: {who}", who=queue.referee or _("anyone else who may review")))
    return " · ".join(told)


def progress(way: Way) -> str:
    told = [_("{done} of {total} done", done=way.complete, total=way.total)]
    told += [_("set aside: {n}", n=way.aside)] if way.aside else []
    told += [_("wait for you: {n}", n=len(way.waiting))] if way.waiting else []
    return " · ".join(told)


def asked(label: Label) -> str:
    return label.ask or label.name


def value(given: Any) -> str:
    """What somebody said, in the reader's words."""
    if isinstance(given, bool):
        return _("passes") if given else _("does not pass")
    return f"{given:g}" if isinstance(given, float) else str(given)


def skipped(why: str) -> str:
    return _(why) if why in SKIP else why

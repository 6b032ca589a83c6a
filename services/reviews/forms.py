"""What must hold of a queue before it is made, and of what a person says before it is kept."""

from collections.abc import Mapping
from typing import Any

from services.errors import InvalidInputError
from services.messages import Message
from services.reviews.picking import MOST
from services.reviews.records import Form, Kind, Label, Pick, Rule
from services.scorers.forms import NAME

LONGEST_NAME = 80
LONGEST_TEXT = 4_000
MOST_LABELS = 6
MOST_OPTIONS = 9


def check(form: Form) -> None:
    """Raise InvalidInputError with what to mend."""
    check_choice(form)
    check_labels(form.labels)
    if form.double and form.reviewers and len({*form.reviewers} - {form.referee}) < 2:
        raise InvalidInputError(
            Message("Two people must judge each answer, and the queue names fewer than two besides the referee."),
            Message("Add a reviewer, or leave the list empty so that everyone may review."),
        )


def check_choice(form: Form) -> None:
    """The name, and which answers wait; raises InvalidInputError."""
    if not form.name.strip() or len(form.name) > LONGEST_NAME:
        raise InvalidInputError(
            Message("A queue needs a name of at most {n} characters.", n=LONGEST_NAME),
            Message("Say in a few words which answers are reviewed."),
        )
    _check_rule(form.rule)


def check_labels(labels: tuple[Label, ...]) -> None:
    """What is asked; raises InvalidInputError."""
    if not 1 <= len(labels) <= MOST_LABELS:
        raise InvalidInputError(
            Message("A queue asks between 1 and {n} things about each answer.", n=MOST_LABELS),
            Message("Add one, or take some away."),
        )
    names = [label.name for label in labels]
    for label in labels:
        if not NAME.fullmatch(label.name) or names.count(label.name) > 1:
            raise InvalidInputError(
                Message("“{name}” cannot be the name of what is asked.", name=label.name),
                Message(
                    "Use up to 40 letters, digits, blanks, dots and hyphens, beginning with a letter or digit, each "
                    "name once."
                ),
            )
        _check_label(label)
    if not any(label.needed for label in labels):
        raise InvalidInputError(
            Message("Everything may be left open, so nothing would be learned."),
            Message("Make one of the things that are asked a must."),
        )


def check_values(labels: tuple[Label, ...], values: Mapping[str, Any]) -> dict[str, Any]:
    """What was said of an answer, without what was left open; raises InvalidInputError."""
    said = {label.name: _value(label, values.get(label.name)) for label in labels}
    missing = [label for label in labels if label.needed and said[label.name] is None]
    if missing:
        raise InvalidInputError(
            Message("“{name}” is still open.", name=missing[0].ask or missing[0].name),
            Message("Say it, or skip the answer with a reason."),
        )
    kept = {name: value for name, value in said.items() if value is not None}
    if not kept:
        raise InvalidInputError(Message("Nothing was said of this answer."), Message("Say it, or skip the answer."))
    return kept


def _check_rule(rule: Rule) -> None:
    if not 1 <= rule.most <= MOST:
        raise InvalidInputError(
            Message("A queue holds between 1 and {n} answers.", n=MOST), Message("Correct the number.")
        )
    if rule.pick is Pick.RANDOM and not 0 < rule.share <= 1:
        raise InvalidInputError(
            Message("The random share must be above 0 % and at most 100 %."), Message("Correct the number.")
        )
    if rule.pick is Pick.EVALUATION and not rule.run_id:
        raise InvalidInputError(Message("No evaluation is chosen."), Message("Choose one from the list."))


def _check_label(label: Label) -> None:
    options = {option.strip() for option in label.options}
    if label.kind is Kind.CATEGORY and not (2 <= len(label.options) <= MOST_OPTIONS and len(options - {""}) >= 2):
        raise InvalidInputError(
            Message("“{name}” needs 2 to {n} different categories.", name=label.name, n=MOST_OPTIONS),
            Message("Write them with commas between."),
        )
    if label.kind is Kind.NUMBER and not label.low < label.high:
        raise InvalidInputError(
            Message("The lowest number of “{name}” is not below the highest.", name=label.name),
            Message("Swap or correct the two numbers."),
        )


def _value(label: Label, given: Any) -> Any:
    """One value in the type in which MLflow keeps it; None when it was left open."""
    if given is None or (isinstance(given, str) and not given.strip()):
        return None
    fits = {
        Kind.PASS: isinstance(given, bool),
        Kind.CATEGORY: given in label.options,
        Kind.NUMBER: isinstance(given, int | float) and label.low <= given <= label.high,
        Kind.TEXT: isinstance(given, str) and len(given) <= LONGEST_TEXT,
        Kind.ANSWER: isinstance(given, str) and len(given) <= LONGEST_TEXT,
    }
    if not fits[label.kind]:
        raise InvalidInputError(
            Message("“{value}” does not fit “{name}”.", value=str(given)[:60], name=label.name),
            Message("Choose one of what is offered, or shorten the text to {n} characters.", n=LONGEST_TEXT),
        )
    if isinstance(given, bool):
        return given
    return given.strip() if isinstance(given, str) else float(given)

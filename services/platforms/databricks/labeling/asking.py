"""What the desk's form asks, as label schemas of the Review App."""

from typing import Any

from services.reviews import Kind, Label
from services.reviews.forms import LONGEST_TEXT
from services.scorers.health.measuring import WORDS

# The Review App has no switch of its own for “passes or not”; a judge's health reads these words as one.
PASS = ("yes", "no")
assert WORDS[PASS[0]] and not WORDS[PASS[1]]
EXPECTED = "expected_response"


def name(label: Label) -> str:
    """The right answer is asked by the schema that every Review App has."""
    return EXPECTED if label.kind is Kind.ANSWER else label.name


def create(app: Any, label: Label) -> Any:
    """Add it to what the Review App can ask."""
    expectation = label.kind is Kind.ANSWER
    return app.create_label_schema(
        name(label),
        type="expectation" if expectation else "feedback",
        title=label.ask or label.name,
        input=_input(label),
        enable_comment=not expectation,
    )


def same(schema: Any, label: Label) -> bool:
    """Whether people say the same kind of thing there, in whatever words it is asked."""
    return label.kind is Kind.ANSWER or (schema.type == "feedback" and schema.input == _input(label))


def _input(label: Label) -> Any:
    from databricks.agents.review_app import label_schemas  # type: ignore[import-untyped]  # no types

    if label.kind is Kind.NUMBER:
        return label_schemas.InputNumeric(min_value=label.low, max_value=label.high)
    if label.kind in (Kind.PASS, Kind.CATEGORY):
        return label_schemas.InputCategorical(options=list(PASS if label.kind is Kind.PASS else label.options))
    return label_schemas.InputText(max_length=LONGEST_TEXT)

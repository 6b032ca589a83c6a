"""A row of a dataset: what is asked, what a good answer is, and what people noted about it."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from services.errors import InvalidInputError
from services.jsons import sound
from services.messages import Message

LONGEST_QUESTION = 20_000
MOST_ROWS = 20_000


@dataclass(frozen=True)
class Row:
    """One question; `id` follows from the whole request, so a row keeps its id in every dataset.

    `messages` holds a conversation with its last message, and is empty for a single question. `source` is the trace
    that it came from. `form` is the request as another tool stored it, and is empty when it is stored as ours are.
    """

    id: str
    question: str
    expected: str = ""
    critical: bool = False
    topic: str = ""
    language: str = ""
    split: str = ""
    messages: tuple[dict[str, str], ...] = ()
    guidelines: tuple[str, ...] = ()
    expected_facts: tuple[str, ...] = ()
    source: str = ""
    form: Mapping[str, Any] = field(default_factory=dict)


def row_id(question: str) -> str:
    """A short hash of a single question."""
    return hashlib.sha256(sound(question).encode()).hexdigest()[:12]


def request_id(messages: Sequence[Mapping[str, Any]]) -> str:
    """The id of the row that asks these messages: `inputs_of(row)["input"]`."""
    if len(messages) == 1 and messages[0]["role"] == "user":
        return row_id(str(messages[0]["content"]))
    return row_id(json.dumps([[one["role"], one["content"]] for one in messages], ensure_ascii=False))


def inputs(question: str) -> dict[str, Any]:
    """A single question as a request of a ResponsesAgent."""
    return {"input": [{"role": "user", "content": question}]}


def inputs_of(row: Row) -> dict[str, Any]:
    """The whole request of a row; a changed question takes the place of the last message."""
    if not row.messages:
        return inputs(row.question)
    return {"input": [*row.messages[:-1], {**row.messages[-1], "content": row.question}]}


def with_id(row: Row) -> Row:
    """The row with the id that follows from what it asks."""
    asked = inputs_of(row)["input"]
    id, messages = request_id(asked), tuple(asked) if row.messages else ()
    # Most rows of a large dataset have it already, and a copy costs more than looking.
    return row if (id, messages) == (row.id, row.messages) else replace(row, id=id, messages=messages)


def pasted(text: str, topic: str = "", language: str = "") -> list[Row]:
    """One question per line; blank lines are skipped."""
    return [
        Row(row_id(line), line, topic=topic, language=language)
        for line in (one.strip() for one in text.splitlines())
        if line
    ]


def refuse_clashes(rows: Iterable[Row]) -> None:
    """Two rows may be the same, but not ask the same and say different things; raises InvalidInputError."""
    kept: dict[str, Row] = {}
    for row in map(with_id, rows):
        if kept.setdefault(row.id, row) != row:
            raise InvalidInputError(
                Message("The question “{start}” stands there twice with different entries.", start=row.question[:60]),
                Message("Delete one of the two, or change its question."),
            )


def check(rows: Iterable[Row]) -> list[Row]:
    """The rows with their ids, each request once, the last one winning; raises InvalidInputError."""
    kept = {row.id: row for row in map(with_id, rows)}
    too_long = [row for row in kept.values() if len(row.question) > LONGEST_QUESTION]
    if not kept:
        raise InvalidInputError(Message("There are no questions."), Message("Type or paste at least one question."))
    if too_long:
        raise InvalidInputError(
            Message(
                "The question “{start}…” is longer than {limit} characters.",
                start=too_long[0].question[:60],
                limit=LONGEST_QUESTION,
            ),
            Message("Shorten it."),
        )
    if len(kept) > MOST_ROWS:
        raise InvalidInputError(
            Message("{rows} questions are more than a dataset can hold ({limit}).", rows=len(kept), limit=MOST_ROWS),
            Message("Split them into several datasets."),
        )
    return list(kept.values())

"""Which column of a table is what: guessed by its names and contents, and then as a person chose."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from services.agents.documents.records import ADDRESS, ROW, Columns, Documents, Table
from services.errors import InvalidInputError
from services.messages import Message

LONGEST, LONGEST_NAME = 10_000, 60
KEYS = ("id", "key", "doc_id", "document_id", "chunk_id", "primary_key", "number", "no", "番号", "キー")
TEXTS = (
    "text",
    "content",
    "body",
    "page_content",
    "chunk_text",
    "answer",
    "description",
    "本文",
    "内容",
    "回答",
    "説明",
)
ADDRESSES = ("doc_uri", "url", "uri", "link", "href", "source", "リンク", "出典")
TITLES = ("title", "name", "heading", "subject", "question", "topic", "タイトル", "題名", "件名", "見出し", "質問")


def guess(read: Table) -> Columns:
    """What the columns are, judged by their names and by what stands in them."""
    own = [column for column in read.columns if column != ROW]
    text = _named(own, TEXTS) or max(own, key=lambda column: sum(len(row[column]) for row in read.rows), default=ROW)
    left = [column for column in own if column != text]
    key = next((column for column in _all_named(left, KEYS) if _unique(read, column)), ROW)
    left = [column for column in left if column != key]
    address = _named(left, ADDRESSES) or next((one for one in left if ADDRESS.match(read.rows[0][one].strip())), None)
    title = _named([column for column in left if column != address], TITLES)
    return Columns(Path(read.name).stem[:LONGEST_NAME] or "documents", key, text, address, title)


def choose(read: Table, columns: Columns) -> Documents:
    """The documents as the columns say; raises InvalidInputError for a row without text or a key that comes twice."""
    if not columns.name.strip() or len(columns.name) > LONGEST_NAME:
        raise InvalidInputError(
            Message("The documents need a name of 1 to {n} characters.", n=LONGEST_NAME),
            Message("Type one that says what they are about."),
        )
    seen: dict[str, int] = {}
    for number, row in enumerate(read.rows, 1):
        _check_text(number, row[columns.text_column], columns.text_column)
        _check_key(number, row[columns.primary_key].strip(), columns.primary_key, seen)
    chosen = (columns.primary_key, columns.text_column, columns.doc_uri, columns.title_column, *columns.other_columns)
    kept = tuple(dict.fromkeys(name for name in chosen if name))
    return Documents(columns, tuple({name: row[name] for name in kept} for row in read.rows))


def schema(columns: Columns) -> dict[str, Any]:
    """The columns as the agent's config keeps it: the title is one of MLflow's other columns."""
    titled = (columns.title_column,) if columns.title_column else ()
    return asdict(columns) | {"other_columns": list(dict.fromkeys((*titled, *columns.other_columns)))}


def _check_text(number: int, text: str, column: str) -> None:
    if not text.strip():
        raise InvalidInputError(
            Message("Document {n} has no text in the column “{column}”.", n=number, column=column),
            Message("Choose the column that holds the text, or mend the file and choose it again."),
        )
    if len(text) > LONGEST:
        raise InvalidInputError(
            Message("Document {n} has {length} characters; {limit} are allowed.", n=number, length=len(text), limit=LONGEST),
            Message("Split it into several documents: several are given to the model at once."),
        )  # fmt: skip


def _check_key(number: int, key: str, column: str, seen: dict[str, int]) -> None:
    if not key:
        raise InvalidInputError(
            Message("Document {n} has no key in the column “{column}”.", n=number, column=column),
            Message("Choose a column that is filled in every row, or the number of the row."),
        )
    if key in seen:
        raise InvalidInputError(
            Message("The key “{key}” stands at document {first} and at document {n}.", key=key, first=seen[key], n=number),
            Message("Choose a column that is different in every row, or the number of the row."),
        )  # fmt: skip
    seen[key] = number


def _all_named(columns: list[str], names: tuple[str, ...]) -> list[str]:
    """The columns of these names, in the order of the names."""
    return [column for name in names for column in columns if column.strip().casefold() == name]


def _named(columns: list[str], names: tuple[str, ...]) -> str | None:
    return next(iter(_all_named(columns, names)), None)


def _unique(read: Table, column: str) -> bool:
    keys = [row[column].strip() for row in read.rows]
    return all(keys) and len(set(keys)) == len(keys)

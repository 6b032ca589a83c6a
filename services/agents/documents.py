"""Documents for an agent: a small file read as rows, and which of its columns is what."""

import csv
import io
import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services import sample
from services.errors import InvalidInputError
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

TYPES = ("csv", "jsonl", "md", "txt")
LARGEST, MOST, MOST_COLUMNS, LONGEST, LONGEST_NAME = 5 * 1024 * 1024, 5_000, 100, 10_000, 60
# Paragraphs of a text are put together up to this length: short enough to give several to the model.
PASSAGE = 1_200
ROW = "row_number"
HEADING = re.compile(r"#{1,6}\s+(?=\S)")
ADDRESS = re.compile(r"https?://\S+$")
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


@dataclass(frozen=True)
class Table:
    """What a file holds: its columns in order, and a text for each in every row."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]


@dataclass(frozen=True)
class Columns:
    """Which column is what, in the words of MLflow's retriever schema; `title_column` names a document to people."""

    name: str
    primary_key: str
    text_column: str
    doc_uri: str | None = None
    title_column: str | None = None
    other_columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Documents:
    """Documents that an agent can be logged with."""

    columns: Columns
    rows: tuple[Mapping[str, str], ...]

    @property
    def with_address(self) -> int:
        """How many have an address that a reader can open."""
        column = self.columns.doc_uri
        return sum(bool(ADDRESS.match(row[column].strip())) for row in self.rows) if column else 0

    @property
    def written(self) -> str:
        """One JSON object per line, with the columns that were chosen."""
        return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in self.rows)


def read(name: str, content: bytes) -> Table:
    """The rows of a CSV or JSONL file, or the passages of a text; raises InvalidInputError with what to mend."""
    if len(content) > LARGEST:
        raise InvalidInputError(
            Message("{file} is larger than {n} MB.", file=name, n=LARGEST // 1024 // 1024),
            Message("Choose a smaller file: the documents travel with the agent and are kept in memory."),
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInputError(
            Message("{file} is not UTF-8 text.", file=name), Message("Save it as UTF-8 and choose it again.")
        ) from error
    kind = Path(name).suffix.lower().lstrip(".")
    if kind not in TYPES:
        raise InvalidInputError(
            Message("{file} is not a kind of file that can be read.", file=name),
            Message("Choose a CSV, JSONL, Markdown or text file."),
        )
    readers = {"csv": _csv, "jsonl": _jsonl, "md": _markdown, "txt": _text}
    return table(name, list(itertools.islice(readers[kind](name, text), MOST + 1)))


def table(name: str, rows: list[dict[str, str]]) -> Table:
    """The rows with their numbers; raises InvalidInputError for none or too many."""
    if not rows:
        raise InvalidInputError(
            Message("{file} holds no documents.", file=name),
            Message("Choose a file with a row or a paragraph for each document."),
        )
    if len(rows) > MOST:
        raise InvalidInputError(
            Message("{file} holds more than {limit} documents.", file=name, limit=MOST),
            Message("Leave out what nobody asks for, or split it among several agents."),
        )
    columns = tuple(dict.fromkeys(column for row in rows for column in row))
    _check_width(name, columns)
    numbered = [{ROW: str(number), **row} for number, row in enumerate(rows, 1)]
    every = tuple(dict.fromkeys((*columns, ROW)))
    return Table(name, every, tuple({column: row.get(column, "") for column in every} for row in numbered))


def of_sample(workspace: "Workspace") -> Table | None:
    """The knowledge of the sample app, in both languages; None for any other app."""
    if not workspace.app.sample:
        return None
    rows = [
        {"id": f"{topic.id}-{language}", "title": topic.keywords[0].capitalize(), "text": "\n".join((*topic.facts, *topic.steps))}
        for language, topics in sample.knowledge().items()
        for topic in topics
    ]  # fmt: skip
    return table("knowledge.toml", rows)


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


def _csv(name: str, text: str) -> Iterator[dict[str, str]]:
    first = text.partition("\n")[0]
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count), strict=True)
    try:
        header = [column.strip() for column in next(lines, [])]
        _check_header(name, header)
        for cells in lines:
            if len(cells) > len(header):
                raise _broken(name, lines.line_num)
            if any(cell.strip() for cell in cells):
                yield dict(zip(header, [*cells, *[""] * (len(header) - len(cells))], strict=True))
    except csv.Error as error:
        raise _broken(name, lines.line_num) from error


def _check_width(name: str, columns: Sequence[str]) -> None:
    if len(columns) > MOST_COLUMNS:
        raise InvalidInputError(
            Message("{file} has {n} columns; {limit} are allowed.", file=name, n=len(columns), limit=MOST_COLUMNS),
            Message("Name the columns alike in every row, and leave out what the agent need not know."),
        )


def _check_header(name: str, header: list[str]) -> None:
    _check_width(name, header)
    if len(set(header)) < len(header) or "" in header[:-1]:
        raise InvalidInputError(
            Message("The first line of {file} names a column twice or not at all.", file=name),
            Message("Give every column a name of its own in the first line."),
        )


def _jsonl(name: str, text: str) -> Iterator[dict[str, str]]:
    # Not splitlines: JSON may hold other line separators as they are.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise _broken(name, number) from error
        if not isinstance(row, dict):
            raise _broken(name, number)
        yield {_plain(str(column)): _plain(value) for column, value in row.items()}


def _plain(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    # Half of a character pair, which JSON can escape, cannot be written as UTF-8.
    return text.encode("utf-8", "replace").decode("utf-8")


def _markdown(name: str, text: str) -> Iterator[dict[str, str]]:
    """A document for each heading's text."""
    title, lines, fenced = "", list[str](), False
    for line in text.splitlines():
        fenced ^= line.lstrip().startswith("```")
        heading = None if fenced else HEADING.match(line)
        if heading:
            yield from _passages(name, title, lines)
            title, lines = line[heading.end() :].rstrip().rstrip("#").rstrip(), []
        else:
            lines.append(line)
    yield from _passages(name, title, lines)


def _text(name: str, text: str) -> Iterator[dict[str, str]]:
    yield from _passages(name, "", text.splitlines())


def _passages(name: str, title: str, lines: list[str]) -> Iterator[dict[str, str]]:
    """Whole paragraphs, put together while they are short."""
    together = ""
    for paragraph in re.split(r"\n\s*\n", "\n".join(lines)):
        if together and len(together) + len(paragraph) > PASSAGE:
            yield {"title": title, "text": together.strip(), "source": name}
            together = ""
        together += f"{paragraph.rstrip()}\n\n"
    if together.strip():
        yield {"title": title, "text": together.strip(), "source": name}


def _broken(name: str, line: int) -> InvalidInputError:
    return InvalidInputError(
        Message("Line {line} of {file} cannot be read.", line=line, file=name),
        Message("Mend that line and choose the file again."),
    )


def _all_named(columns: list[str], names: tuple[str, ...]) -> list[str]:
    """The columns of these names, in the order of the names."""
    return [column for name in names for column in columns if column.strip().casefold() == name]


def _named(columns: list[str], names: tuple[str, ...]) -> str | None:
    return next(iter(_all_named(columns, names)), None)


def _unique(read: Table, column: str) -> bool:
    keys = [row[column].strip() for row in read.rows]
    return all(keys) and len(set(keys)) == len(keys)

"""A file read as rows: those of a CSV or JSONL file, or the passages of a text."""

import csv
import io
import itertools
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services import sample
from services.agents.documents.records import ROW, Table
from services.errors import InvalidInputError
from services.jsons import parsed
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

TYPES = ("csv", "jsonl", "md", "txt")
LARGEST, MOST, MOST_COLUMNS = 5 * 1024 * 1024, 5_000, 100
# Paragraphs of a text are put together up to this length: short enough to give several to the model.
PASSAGE = 1_200
HEADING = re.compile(r"#{1,6}\s+(?=\S)")


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
    place = workspace.settings.address + sample.DOCUMENTS
    rows = [
        {
            "id": (key := f"{topic.id}-{language}"),
            "title": topic.title,
            "text": "\n".join((*topic.facts, *topic.steps)),
            "url": place + key,
        }
        for language, topics in sample.knowledge().items()
        for topic in topics
    ]
    return table("knowledge.toml", rows)


def _csv(name: str, text: str) -> Iterator[dict[str, str]]:
    # The limit is the whole process's, and others read larger files.
    csv.field_size_limit(max(csv.field_size_limit(), LARGEST))
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


def _check_header(name: str, header: list[str]) -> None:
    _check_width(name, header)
    if len(set(header)) < len(header) or "" in header[:-1]:
        raise InvalidInputError(
            Message("The first line of {file} names a column twice or not at all.", file=name),
            Message("Give every column a name of its own in the first line."),
        )


def _check_width(name: str, columns: Sequence[str]) -> None:
    if len(columns) > MOST_COLUMNS:
        raise InvalidInputError(
            Message("{file} has {n} columns; {limit} are allowed.", file=name, n=len(columns), limit=MOST_COLUMNS),
            Message("Name the columns alike in every row, and leave out what the agent need not know."),
        )


def _jsonl(name: str, text: str) -> Iterator[dict[str, str]]:
    # Not splitlines: JSON may hold other line separators as they are.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = parsed(line)
        except ValueError as error:
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

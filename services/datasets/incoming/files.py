"""A CSV, JSONL or Excel file as lines of named cells; a line that cannot be read says why."""

import codecs
import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from services.datasets import workbook
from services.datasets.row import MOST_ROWS
from services.errors import InvalidInputError
from services.jsons import parsed
from services.messages import Message

LARGEST = 50_000_000
# What people's files are written in, most telling first: UTF-8 refuses what it is not, code page 932 less so.
ENCODINGS = {"utf-8": "UTF-8", "cp932": "Shift_JIS (Windows)", "utf-16": "UTF-16", "cp1252": "Windows-1252"}
MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
DELIMITERS = ",\t;"


@dataclass(frozen=True)
class Line:
    """One line of the file by its number there."""

    number: int
    cells: dict[str, str]
    problem: Message | None = None


@dataclass(frozen=True)
class Sheet:
    """What a file holds; `encoding` is empty where the format knows its own."""

    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    encoding: str = ""


def read(name: str, data: bytes, encoding: str | None = None) -> Sheet:
    """The file's lines; raises InvalidInputError with what to mend."""
    if len(data) > LARGEST:
        raise InvalidInputError(
            Message("The file is larger than {n} MB.", n=LARGEST // 1_000_000), Message("Split it into several files.")
        )
    if data[:4] == workbook.MARK:
        lines, used = list(_of_table(workbook.read(data))), ""
    else:
        text, used = decoded(data, encoding)
        is_json = name.lower().endswith((".json", ".jsonl", ".ndjson"))
        lines = list(_of_json(text) if is_json else _of_csv(text))
    if not lines:
        raise InvalidInputError(
            Message("The file has no lines."), Message("The first line names the columns, each further one is a row.")
        )
    if len(lines) > MOST_ROWS:
        raise InvalidInputError(
            Message("{rows} questions are more than a dataset can hold ({limit}).", rows=len(lines), limit=MOST_ROWS),
            Message("Split them into several datasets."),
        )
    columns = dict.fromkeys(name for line in lines for name in line.cells)
    return Sheet(tuple(columns), tuple(lines), used)


def decoded(data: bytes, encoding: str | None = None) -> tuple[str, str]:
    """The text and the encoding it was read in; what cannot be read in a chosen encoding is shown as such."""
    if encoding:
        return data.decode(encoding, "replace").lstrip("\ufeff").replace("\0", ""), encoding
    marked = next((found for mark, found in MARKS.items() if data.startswith(mark)), None)
    for candidate in [marked or _bare(data) or "utf-8", *ENCODINGS]:
        try:
            text = data.decode(candidate)
        except UnicodeDecodeError:
            continue
        return text.lstrip("\ufeff").replace("\0", ""), next(one for one in ENCODINGS if candidate.startswith(one))
    return data.decode("cp1252", "replace").replace("\0", ""), "cp1252"


def _bare(data: bytes) -> str | None:
    """UTF-16 without a mark: its commas and line ends have a zero byte beside them, which no other encoding has."""
    first, second = (data[start:4000:2].count(0) for start in (0, 1))
    return None if first == second else "utf-16-be" if first > second else "utf-16-le"


def _of_csv(text: str) -> Iterator[Line]:
    csv.field_size_limit(LARGEST)
    first = text.split("\n", 1)[0]
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    table, starts, before = [], [], 0
    for cells in reader:
        table.append(cells)
        starts.append(before + 1)
        before = reader.line_num
    unclosed = _unclosed(text, delimiter)
    for line in _of_table(list(zip(starts, table, strict=True))):
        last = unclosed and line.number == starts[-1]
        yield Line(line.number, line.cells, Message("a quotation mark is opened and never closed")) if last else line


def _unclosed(text: str, delimiter: str) -> bool:
    """Whether the file ends inside quotes, so that its last row swallowed the rest."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for _cells in reader:
            continue
    except csv.Error as error:
        return "unexpected end" in str(error)
    return False


def _of_table(table: Sequence[tuple[int, Sequence[str | None]]]) -> Iterator[Line]:
    """The first line that is not blank names the columns; a cell of None is a formula without a stored result."""
    filled = [(number, cells) for number, cells in table if any(cell is None or cell.strip() for cell in cells)]
    if not filled:
        return
    names = _named([str(cell or "").strip() for cell in filled[0][1]])
    for number, cells in filled[1:]:
        problem = None
        if len([cell for cell in cells[len(names) :] if cell]) > 0:
            problem = Message("it has {n} cells and the first line names {columns}", n=len(cells), columns=len(names))
        elif None in cells:
            problem = Message("it holds a formula whose result is not stored in the file")
        yield Line(number, {name: cell or "" for name, cell in zip(names, cells, strict=False)}, problem)


def _named(names: Sequence[str]) -> list[str]:
    """Column names that differ; a column without one is called by its place."""
    kept: list[str] = []
    for place, name in enumerate(names, 1):
        plain = name or f"#{place}"
        kept.append(plain if plain not in kept else f"{plain} #{place}")
    return kept


def _of_json(text: str) -> Iterator[Line]:
    stripped = text.strip()
    if stripped.startswith("["):
        yield from (_of_object(number, one) for number, one in enumerate(_array(stripped), 1))
        return
    # A text may hold characters that other ways of splitting take for the end of a line.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield _of_object(number, parsed(line))
        except ValueError:
            yield Line(number, {}, Message("it is not JSON"))


def _array(text: str) -> list[Any]:
    try:
        return list(parsed(text))
    except ValueError as error:
        raise InvalidInputError(
            Message("The file is not JSON: {reason}", reason=str(error)), Message("Mend it, or bring a CSV file.")
        ) from error


def _of_object(number: int, found: Any) -> Line:
    if isinstance(found, str):
        return Line(number, {"question": found})
    if not isinstance(found, dict):
        return Line(number, {}, Message("it is not an object with named fields"))
    return Line(number, {str(name): _cell(value) for name, value in found.items()})


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)

"""A dataset as a file that a spreadsheet opens without running anything, and that comes back without loss."""

import csv
import io
import json
import re
from collections.abc import Iterable
from typing import Any

from services.datasets import workbook
from services.datasets.row import Row
from services.jsons import sound

COLUMNS = (
    "question", "expected", "critical", "topic", "language", "split", "expected_facts", "guidelines", "messages",
    "source", "form", "row",
)  # fmt: skip
# Spreadsheets run what begins so; a quotation mark before it makes it text.
FORMULA = re.compile(r"'*[=+\-@\t\r]")


def to_csv(rows: Iterable[Row]) -> bytes:
    """UTF-8 with the mark that Excel needs to read Japanese."""
    file = io.StringIO(newline="")
    csv.writer(file, quoting=csv.QUOTE_MINIMAL).writerows(_table(rows))
    return file.getvalue().encode("utf-8-sig")


def to_excel(rows: Iterable[Row]) -> bytes:
    """A workbook; raises InvalidInputError for a text longer than a cell."""
    return workbook.written(_table(rows))


def longest(rows: Iterable[Row]) -> int:
    """The length of the longest cell."""
    return max((len(neutral(cell)) for row in rows for cell in _cells(row)), default=0)


def neutral(cell: str) -> str:
    """The cell as text, also for a spreadsheet; `plain` takes it back."""
    return f"'{cell}" if FORMULA.match(cell) else cell


def plain(cell: str) -> str:
    """What the cell said before it was neutralised."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell


def _table(rows: Iterable[Row]) -> list[list[str]]:
    return [list(COLUMNS), *([neutral(cell) for cell in _cells(row)] for row in rows)]


def _cells(row: Row) -> list[str]:
    return [
        row.question, row.expected, "yes" if row.critical else "", row.topic, row.language, row.split,
        _json(row.expected_facts), _json(row.guidelines), _json(row.messages), row.source, _json(row.form), row.id,
    ]  # fmt: skip


def _json(value: Any) -> str:
    return sound(json.dumps(value, ensure_ascii=False)) if value else ""

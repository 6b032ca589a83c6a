"""What documents are: a table that was read, what its columns are, and what an agent is logged with."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

# The column that every table has: the number of the row, from 1.
ROW = "row_number"
ADDRESS = re.compile(r"https?://\S+$")


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

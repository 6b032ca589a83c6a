"""Documents for an agent: a small file read as rows, and which of its columns is what."""

from services.agents.documents.choosing import choose, guess, schema
from services.agents.documents.reading import LARGEST, PASSAGE, TYPES, of_sample, read
from services.agents.documents.records import ROW, Columns, Documents, Table

__all__ = [
    "LARGEST",
    "PASSAGE",
    "ROW",
    "TYPES",
    "Columns",
    "Documents",
    "Table",
    "choose",
    "guess",
    "of_sample",
    "read",
    "schema",
]

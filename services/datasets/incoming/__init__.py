"""Questions from a file: read in whatever encoding, mapped by column, shown before anything is written."""

from services.datasets.incoming.files import ENCODINGS, LARGEST, Line, Sheet, read
from services.datasets.incoming.mapping import FIELDS, Bad, Incoming, Merged, guess, merge, rows_of

__all__ = [
    "ENCODINGS",
    "FIELDS",
    "LARGEST",
    "Bad",
    "Incoming",
    "Line",
    "Merged",
    "Sheet",
    "guess",
    "merge",
    "read",
    "rows_of",
]

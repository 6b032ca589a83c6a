"""Finds documents by their words, beside the logged agent; stateless, so any number of threads may search at once."""

import json
import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlflow.entities import Document

# BM25: how soon a repeated word stops counting, and how much a long document is held back.
SATURATION, LENGTH = 1.2, 0.75
# What scores far below the best match shares a word with the question by chance.
FLOOR = 0.3
TITLE_LENGTH = 60
JAPANESE = re.compile(r"[぀-ヿ㐀-鿿豈-﫿々〆]+")
PIECE = re.compile(r"[぀-ヿ㐀-鿿豈-﫿々〆]+|[^\W_぀-ヿ㐀-鿿豈-﫿々〆]+")
HIRAGANA = re.compile(r"[぀-ゟ]+")
COMMON = frozenset(
    re.findall(
        r"\w+",
        "a about an and any are as at be been but by can could did do does for from had has have hello how i if in is it "
        "its me my no not of on or our please so some thank that the their them then there they this to us was we were "
        "what when where which who why will with would you your",
    )
)


@dataclass(frozen=True)
class Schema:
    """Which column of a document is what: MLflow's retriever schema, and the column with the title."""

    name: str
    primary_key: str
    text_column: str
    doc_uri: str | None = None
    other_columns: tuple[str, ...] = ()
    title_column: str | None = None


@dataclass(frozen=True)
class Index:
    """Documents ready to be searched."""

    schema: Schema
    rows: tuple[Mapping[str, Any], ...]
    lengths: tuple[int, ...]
    places: Mapping[str, tuple[tuple[int, int], ...]] = field(repr=False)

    def search(self, question: str, most: int) -> list[Document]:
        """The documents that share the most telling words with the question, best first; empty when none does."""
        scores: dict[int, float] = defaultdict(float)
        average = sum(self.lengths) / len(self.lengths) if self.lengths else 1.0
        for word in sorted(telling(question)):
            found = self.places.get(word, ())
            rarity = math.log(1 + (len(self.rows) - len(found) + 0.5) / (len(found) + 0.5))
            for row, times in found:
                held = SATURATION * (1 - LENGTH + LENGTH * self.lengths[row] / average)
                scores[row] += rarity * times * (SATURATION + 1) / (times + held)
        best = sorted(scores, key=lambda row: (-scores[row], row))[:most]
        return [self._document(row, scores[row]) for row in best if scores[row] >= FLOOR * scores[best[0]]]

    def _document(self, row: int, score: float) -> Document:
        """In MLflow's shape; the columns keep their names too, as the retriever schema tells them."""
        stored, schema = self.rows[row], self.schema
        kept = [schema.primary_key, schema.doc_uri, *schema.other_columns]
        metadata = {name: stored[name] for name in kept if name and stored.get(name) not in (None, "")}
        address = str(stored.get(schema.doc_uri or "") or "")
        metadata |= {"title": title_of(stored, schema), "score": round(score, 3)}
        metadata |= {"doc_uri": address} if address else {}
        return Document(str(stored[schema.text_column]), metadata, str(stored[schema.primary_key]))


def load(file: Path, schema: Mapping[str, Any]) -> Index:
    """Read a file of one JSON object per line."""
    with file.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines if line.strip()]
    told: dict[str, Any] = {name: schema.get(name) for name in Schema.__dataclass_fields__}
    told["other_columns"] = tuple(told["other_columns"] or ())
    return build(rows, Schema(**told))


def build(rows: list[dict[str, Any]], schema: Schema) -> Index:
    """Count the words of every document once."""
    places: dict[str, list[tuple[int, int]]] = defaultdict(list)
    lengths = []
    for number, row in enumerate(rows):
        title = str(row.get(schema.title_column or "") or "")
        counted = Counter(words(f"{title}\n{row[schema.text_column]}"))
        lengths.append(sum(counted.values()))
        for word, times in counted.items():
            places[word].append((number, times))
    return Index(schema, tuple(rows), tuple(lengths), {word: tuple(found) for word, found in places.items()})


def words(text: str) -> Iterator[str]:
    """Words without case and plural; pairs of neighbouring characters where Japanese writes no blanks."""
    for piece in PIECE.findall(unicodedata.normalize("NFKC", text).casefold()):
        if not JAPANESE.fullmatch(piece):
            yield piece[:-1] if len(piece) > 3 and piece.endswith("s") and not piece.endswith("ss") else piece
        elif len(piece) == 1:
            yield piece
        else:
            yield from (piece[at : at + 2] for at in range(len(piece) - 1))


def telling(question: str) -> set[str]:
    """The words worth looking for: no English function words; Japanese endings only when there is nothing else."""
    asked = {word for word in words(question) if word not in COMMON}
    return {word for word in asked if not HIRAGANA.fullmatch(word)} or asked


def title_of(row: Mapping[str, Any], schema: Schema) -> str:
    """The document's title, else how its text begins."""
    title = str(row.get(schema.title_column or "") or "").strip()
    said = " ".join((title or str(row[schema.text_column])).split())
    return said if len(said) <= TITLE_LENGTH else said[: TITLE_LENGTH - 1] + "…"

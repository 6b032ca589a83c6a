"""Excel workbooks as tables of text: the first sheet is read, one sheet is written."""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Sequence
from typing import IO
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from services.datasets.row import MOST_ROWS
from services.errors import InvalidInputError
from services.messages import Message

MARK = b"PK\x03\x04"
LARGEST_SHEET = 100_000_000
LARGEST_PART = 1_000_000
MOST_COLUMNS = 200
MOST_TEXTS = 1_000_000
CHUNK = 65_536
# Of these, no more is unpacked than was asked for.
PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
LONGEST_CELL = 32_767
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
ROW, CELL, VALUE, FORMULA, ITEM, TEXT, READING = (f"{MAIN}{tag}" for tag in ("row", "c", "v", "f", "si", "t", "rPh"))
NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# What the standard library raises for a zip that is damaged, locked or packed in another way.
DAMAGED = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, NotImplementedError, ValueError, LookupError,
    OverflowError, OSError,
)  # fmt: skip
PARTS = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>',
    "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
    'Target="xl/workbook.xml"/></Relationships>',
    "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" '
    'Target="worksheets/sheet1.xml"/></Relationships>',
    "xl/workbook.xml": '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<sheets><sheet name="Questions" sheetId="1" r:id="r1"/></sheets></workbook>',
}


def read(data: bytes) -> list[tuple[int, list[str | None]]]:
    """The numbered lines of the first sheet; None is a formula whose result was not stored."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(part.file_size for part in archive.infolist()) > LARGEST_SHEET:
                raise _too_large()
            texts = _Texts()
            if "xl/sharedStrings.xml" in archive.namelist():
                _feed(archive, "xl/sharedStrings.xml", texts)
            sheet = _Sheet(texts.found)
            _feed(archive, _first_sheet(archive), sheet)
            return sheet.lines
    except (*DAMAGED, ElementTree.ParseError, StopIteration) as error:
        raise InvalidInputError(
            Message("The file is no Excel workbook that can be read."),
            Message("Save it as .xlsx in Excel, or as CSV, and bring it again."),
        ) from error


def written(table: Sequence[Sequence[str]]) -> bytes:
    """A workbook of text cells; raises InvalidInputError for a text that Excel cannot hold."""
    if any(len(cell) > LONGEST_CELL for line in table for cell in line):
        raise InvalidInputError(
            Message("A text is longer than the {n} characters that Excel can hold in a cell.", n=LONGEST_CELL),
            Message("Export as CSV."),
        )
    lines = "".join(f'<row r="{number}">{_cells(line)}</row>' for number, line in enumerate(table, 1))
    sheet = f'<worksheet xmlns="{MAIN[1:-1]}"><sheetData>{lines}</sheetData></worksheet>'
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in {**PARTS, "xl/worksheets/sheet1.xml": sheet}.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>{part}')
    return file.getvalue()


def _cells(line: Sequence[str]) -> str:
    texts = (escape(NO_XML.sub("", cell), {"\r": "&#13;"}) for cell in line)
    return "".join(f'<c t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>' for text in texts)


class _Texts:
    """What the parser calls while it reads the texts that cells point to; no tree is built of them."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.full = False
        self._path: list[str] = []
        self._parts: list[str] = []

    def doctype(self, _name: str, _public: str | None, _system: str | None) -> None:
        """No spreadsheet declares entities, and a short one can stand for gigabytes."""
        raise ValueError("a document type")

    def start(self, tag: str, _said: dict[str, str]) -> None:
        self._path.append(tag)

    def data(self, text: str) -> None:
        # Without the readings that Japanese Excel keeps beside a text.
        if self._path[-1] == TEXT and self._path[-2] != READING:
            self._parts.append(text)

    def end(self, tag: str) -> None:
        self._path.pop()
        if tag == ITEM:
            self.found.append(self._taken())
            if len(self.found) > MOST_TEXTS:
                raise _too_large()

    def _taken(self) -> str:
        text = "".join(self._parts)
        self._parts.clear()
        return text


class _Sheet(_Texts):
    """The lines of a sheet, one more at most than a dataset and its head can hold."""

    def __init__(self, texts: list[str]) -> None:
        super().__init__()
        self.lines: list[tuple[int, list[str | None]]] = []
        self._texts = texts
        self._rows = 0
        self._number = 0
        self._cells: list[str | None] = []
        self._said: dict[str, str] = {}
        self._value: str | None = None
        self._formula = False

    def start(self, tag: str, said: dict[str, str]) -> None:
        super().start(tag, said)
        if tag == ROW:
            self._rows += 1
            self._number, self._cells = int(said.get("r", self._rows)), []
        elif tag == CELL:
            self._said, self._value, self._formula = said, None, False
            self._parts.clear()
        elif tag == FORMULA:
            self._formula = True

    def data(self, text: str) -> None:
        super().data(text)
        if self._path[-1] == VALUE:
            self._value = (self._value or "") + text

    def end(self, tag: str) -> None:
        self._path.pop()
        if tag == CELL:
            self._put(_column(self._said.get("r", "")), self._told())
        elif tag == ROW and any(cell is None or cell.strip() for cell in self._cells):
            self.lines.append((self._number, self._cells))
            self.full = len(self.lines) > MOST_ROWS + 1

    def _put(self, place: int, cell: str | None) -> None:
        place = len(self._cells) if place < 0 else place
        if place < MOST_COLUMNS:
            self._cells += [""] * (place - len(self._cells))
            self._cells.append(cell)
        elif cell is None or cell.strip():
            raise InvalidInputError(
                Message("The workbook has more than {n} columns.", n=MOST_COLUMNS),
                Message("Keep only the columns that a dataset needs, and bring it again."),
            )

    def _told(self) -> str | None:
        kind, value = self._said.get("t", "n"), self._value
        if kind == "inlineStr":
            return self._taken()
        if value is None:
            return None if self._formula else ""
        if kind == "s":
            return self._texts[int(value)]
        if kind == "b":
            return "true" if value == "1" else "false"
        return value.removesuffix(".0") if kind == "n" else value


def _too_large() -> InvalidInputError:
    return InvalidInputError(Message("The workbook is too large."), Message("Split it into several files."))


def _feed(archive: zipfile.ZipFile, name: str, target: _Texts) -> None:
    """Parse a part piece by piece, until it ends or there is enough."""
    parser = ElementTree.XMLParser(target=target)
    with _opened(archive, name) as part:
        while not target.full and (piece := part.read(CHUNK)):
            parser.feed(piece)
    if not target.full:
        parser.close()


def _opened(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    if archive.getinfo(name).compress_type not in PACKINGS:
        raise zipfile.BadZipFile(name)
    return archive.open(name)


def _small(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    with _opened(archive, name) as part:
        return ElementTree.fromstring(part.read(LARGEST_PART))


def _first_sheet(archive: zipfile.ZipFile) -> str:
    wanted = next(_small(archive, "xl/workbook.xml").iter(f"{MAIN}sheet")).attrib[RELATION]
    relations = _small(archive, "xl/_rels/workbook.xml.rels")
    target = next(one.attrib["Target"] for one in relations if one.attrib["Id"] == wanted)
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def _column(reference: str) -> int:
    """The place of a column by its letters, from 0; -1 where the cell does not say."""
    place = 0
    for letter in reference.upper().rstrip("0123456789"):
        place = place * 26 + ord(letter) - 64
        if place > 16_384:
            raise ValueError("a column that no spreadsheet has")
    return place - 1

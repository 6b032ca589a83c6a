"""Excel workbooks as tables of text: the first sheet is read, one sheet is written."""

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from services.errors import InvalidInputError
from services.messages import Message

MARK = b"PK\x03\x04"
LARGEST_SHEET = 200_000_000
LONGEST_CELL = 32_767
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
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
                raise InvalidInputError(Message("The workbook is too large."), Message("Split it into several files."))
            texts = _texts(archive)
            return list(_lines(ElementTree.fromstring(archive.read(_first_sheet(archive))), texts))
    except (zipfile.BadZipFile, ElementTree.ParseError, KeyError, ValueError, IndexError, StopIteration) as error:
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


def _texts(archive: zipfile.ZipFile) -> list[str]:
    """The texts that cells point to."""
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    return [_text(one) for one in ElementTree.fromstring(archive.read("xl/sharedStrings.xml")).iter(f"{MAIN}si")]


def _text(found: ElementTree.Element) -> str:
    """Without the readings that Japanese Excel keeps beside a text."""
    runs = [found, *found.findall(f"{MAIN}r")]
    return "".join(part.text or "" for run in runs for part in run.findall(f"{MAIN}t"))


def _first_sheet(archive: zipfile.ZipFile) -> str:
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    wanted = next(book.iter(f"{MAIN}sheet")).attrib[RELATION]
    relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    target = next(one.attrib["Target"] for one in relations if one.attrib["Id"] == wanted)
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def _lines(sheet: ElementTree.Element, texts: list[str]) -> Iterator[tuple[int, list[str | None]]]:
    for number, row in enumerate(sheet.iter(f"{MAIN}row"), 1):
        cells: list[str | None] = []
        for cell in row.findall(f"{MAIN}c"):
            place = _column(cell.get("r", ""))
            cells += [""] * (place - len(cells) if place >= 0 else 0)
            cells.append(_value(cell, texts))
        yield int(row.get("r", number)), cells


def _column(reference: str) -> int:
    """The place of a column by its letters, from 0; -1 where the cell does not say."""
    place = 0
    for letter in reference.rstrip("0123456789"):
        place = place * 26 + ord(letter.upper()) - 64
    if place > 16_384:
        raise ValueError(reference)
    return place - 1


def _value(cell: ElementTree.Element, texts: list[str]) -> str | None:
    kind, value = cell.get("t", "n"), cell.findtext(f"{MAIN}v")
    if kind == "inlineStr":
        return "".join(_text(one) for one in cell.findall(f"{MAIN}is"))
    if value is None:
        return None if cell.find(f"{MAIN}f") is not None else ""
    if kind == "s":
        return texts[int(value)]
    if kind == "b":
        return "true" if value == "1" else "false"
    return value.removesuffix(".0") if kind == "n" else value

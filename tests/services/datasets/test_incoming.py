"""Files of every kind become rows, what cannot says why, and an export comes back without loss."""

import io
import json
import zipfile

import pytest

from services.datasets import Row, exporting, incoming, workbook
from services.datasets.row import with_id
from services.errors import InvalidInputError

CSV = "質問,期待する回答,重要,言語\n返品できますか?,30日以内。,はい,日本語\nWhere?,Soon.,,en\n"
HARD = [
    Row("", "=1+1", "-5", True, "@topic", "ja", "test"),
    Row("", "'=kept", "+3\r\nnext", False, "a,b", 'say "hi"'),
    Row("", "\tTab first", "", guidelines=("Be short.", "=no"), expected_facts=("a\nb",)),
    Row("", "  spaces  ", "ends\r"),
    Row("", "", "Ask back.", True),
    Row("", "And now?", messages=({"role": "user", "content": "=Hi"}, {"role": "user", "content": "And now?"})),
    Row("", "One?\n\ncontext: A", source="tr-1", form={"question": "One?", "context": "A"}),
]


def of(name: str, data: bytes, **mapping: str) -> incoming.Incoming:
    sheet = incoming.read(name, data)
    return incoming.rows_of(sheet, incoming.guess(sheet.columns) | mapping)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "utf-16", "utf-16-le", "utf-16-be"])
def test_japanese_is_read_in_every_encoding(encoding):
    found = of("q.csv", CSV.encode(encoding))

    assert [(row.question, row.expected, row.critical, row.language) for row in found.rows] == [
        ("返品できますか?", "30日以内。", True, "ja"),
        ("Where?", "Soon.", False, "en"),
    ]


def test_a_wrongly_guessed_encoding_can_be_chosen():
    data = "question\ncafé\n".encode("cp1252")

    assert [
        row.question for row in incoming.rows_of(incoming.read("a.csv", data, "cp1252"), {"question": "question"}).rows
    ] == ["café"]


def test_bad_lines_are_named_with_the_reason():
    long = "x" * 200_000
    data = (
        f'question,critical,topic\nGood?,yes,a\n,no,b\nSure?,maybe,c\nGood?,no,d\n{long},,\nA,B,C,D\n"two\nlines",,e\n'
    )

    found = of("q.csv", data.encode())

    assert [row.question for row in found.rows] == ["Good?", "two\nlines"]
    assert [(bad.line, bad.reason.id[:22]) for bad in found.bad] == [
        (3, "it has no question"),
        (4, "“{cell}” does not say "),
        (5, "it asks the same as li"),
        (6, "its question has {n} c"),
        (7, "it has {n} cells and t"),
    ]


def test_a_quotation_mark_left_open_is_said():
    found = of("q.csv", b'question,topic\nOne?,a\n"Two?,b\nThree?,c\n')

    assert [row.question for row in found.rows] == ["One?"]
    assert found.bad[0].line == 3 and "never closed" in found.bad[0].reason.id


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_columns_may_be_mapped_by_hand(delimiter):
    data = delimiter.join(["Frage", "Soll"]) + "\n" + delimiter.join(["Wo?", "Da."]) + "\n"

    assert of("q.csv", data.encode(), question="Frage", expected="Soll").rows[0].expected == "Da."


def test_json_lines_and_mlflow_records_are_read():
    record = {"inputs": {"query": "Two?"}, "expectations": {"expected_facts": ["f"]}, "tags": {"signalbox.topic": "t"}}
    lines = [json.dumps({"question": "One?", "guidelines": ["Short."]}), "{broken", "", json.dumps(3)]

    found = of("q.jsonl", "\n".join(lines).encode())
    assert found.rows[0].guidelines == ("Short.",)
    assert [bad.line for bad in found.bad] == [2, 4]
    (row,) = of("q.json", json.dumps([record]).encode()).rows
    assert (row.question, row.expected_facts, row.topic, row.form) == ("Two?", ("f",), "t", {"query": "Two?"})


def test_a_chat_file_gives_its_question_and_the_answer_behind_it():
    turns = [("system", "Be kind."), ("user", "Where?"), ("assistant", "Here.")]
    told = [{"role": role, "content": text} for role, text in turns]
    lines = [json.dumps({"messages": found}) for found in (told, [told[1]])]

    sheet = incoming.read("chat.jsonl", "\n".join(lines).encode())
    found = incoming.rows_of(sheet, incoming.guess(sheet.columns))

    assert [(row.question, row.expected, len(row.messages)) for row in found.rows] == [
        ("Where?", "Here.", 2),
        ("Where?", "", 0),
    ]
    assert found.fields == {"messages", "expected"} and not found.bad


@pytest.mark.parametrize(
    ("columns", "asked"),
    [
        (["お客様の質問", "回答"], "お客様の質問"),
        (["id", "Customer question"], "Customer question"),
        (["first_question", "question"], "question"),
        (["first_question", "second_question"], "first_question"),
        (["答え", "分類"], None),
    ],
)
def test_the_column_of_the_questions_may_say_more(columns, asked):
    assert incoming.guess(columns).get("question") == asked


def test_other_peoples_columns_are_not_taken_for_ours():
    found = of("q.csv", b"question,source,row\nOne?,handbook,7\n")

    assert [(row.question, row.source) for row in found.rows] == [("One?", "")]
    assert of("q.csv", b"question,form\nTwo?,web form\n").bad == ()


def test_odd_json_is_read_or_named():
    deep, shallow = "[" * 5_000 + "]" * 5_000, "[" * 500 + "]" * 500
    split = json.dumps({"question": "One\u2028line\u0085?"}, ensure_ascii=False)
    lines = [split, '{"question": "Half \\ud800?"}', f'{{"question": {deep}}}', f'{{"question": {shallow}}}']

    found = of("q.jsonl", "\n".join(lines).encode())

    assert [row.question for row in found.rows] == ["One\u2028line\u0085?", "Half \ufffd?"]
    assert [bad.line for bad in found.bad] == [3, 4]
    with pytest.raises(InvalidInputError):
        incoming.read("q.json", deep.encode())
    in_a_cell = of("q.csv", f"question,messages\nOne?,{deep}\n".encode())
    assert [bad.line for bad in in_a_cell.bad] == [2]


@pytest.mark.parametrize(("name", "write"), [("q.csv", exporting.to_csv), ("q.xlsx", exporting.to_excel)])
def test_an_export_runs_nothing_and_comes_back_whole(name, write):
    rows = [with_id(row) for row in HARD]
    data = write(rows)

    cells = [cell for _number, line in workbook.read(data) for cell in line] if name.endswith("xlsx") else []
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert b"\n=1+1" not in data and list(of(name, data).rows) == rows
    assert of(name, data).bad == ()


def sheet_of(rows: str, packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    sheet = f'<worksheet xmlns="{workbook.MAIN[1:-1]}"><sheetData>{rows}</sheetData></worksheet>'
    with zipfile.ZipFile(file, "w", packing) as archive:
        for part, text in {**workbook.PARTS, "xl/worksheets/sheet1.xml": sheet}.items():
            archive.writestr(part, text)
    return file.getvalue()


def test_a_tiny_workbook_of_endless_cells_is_refused_or_cut():
    cell = '<c t="str"><v>x</v></c>'
    for rows in (f"<row>{cell * 201}</row>", '<row><c r="XFD1" t="str"><v>x</v></c></row>' * 3):
        with pytest.raises(InvalidInputError, match="200 columns"):
            workbook.read(sheet_of(rows))
    with pytest.raises(InvalidInputError):
        incoming.read("q.xlsx", sheet_of(f"<row>{cell}</row>" * 60_000))

    assert len(workbook.read(sheet_of(f"<row>{cell}</row>" * 60_000))) < 60_000
    assert workbook.read(sheet_of(f'<row>{cell}<c r="XFD1"/></row><row/>')) == [(1, ["x"])]


def test_a_workbook_that_is_damaged_or_locked_says_what_to_do():
    whole = sheet_of("<row/>" * 500)
    at = whole.index(b"sheet1.xml") + 10
    entry = whole.rindex(b"PK\x01\x02")
    locked = whole[: entry + 8] + b"\x01" + whole[entry + 9 :]
    for data in (whole[:at] + b"\xff" * 8 + whole[at + 8 :], locked, sheet_of("<row/>", zipfile.ZIP_LZMA)):
        with pytest.raises(InvalidInputError, match="no Excel workbook"):
            workbook.read(data)


def test_excel_sheets_of_others_are_read():
    shared = "<si><t>question</t></si><si><r><t>Wo </t></r><r><t>ist?</t></r><rPh><t>x</t></rPh></si>"
    sheet = (
        '<row r="1"><c r="B1" t="s"><v>0</v></c></row><row r="3"><c r="A3"><v>4.0</v></c><c r="B3" t="s"><v>1</v></c></row>'
        '<row r="4"><c r="B4" t="str"><f>A1</f><v>Summed?</v></c></row><row r="5"><c r="B5"><f>A1</f></c></row>'
    )
    space = f'xmlns="{workbook.MAIN[1:-1]}"'
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for part, text in workbook.PARTS.items():
            archive.writestr(part, text)
        archive.writestr("xl/sharedStrings.xml", f"<sst {space}>{shared}</sst>")
        archive.writestr("xl/worksheets/sheet1.xml", f"<worksheet {space}><sheetData>{sheet}</sheetData></worksheet>")

    found = of("q.xlsx", file.getvalue())

    assert [row.question for row in found.rows] == ["Wo ist?", "Summed?"]
    assert found.bad[0].line == 5 and "formula" in found.bad[0].reason.id


@pytest.mark.parametrize(
    ("name", "data"), [("q.csv", b""), ("q.csv", b"question\n"), ("q.json", b"[1"), ("q.xlsx", b"PK\x03\x04xx")]
)
def test_a_file_that_is_none_says_what_to_do(name, data):
    with pytest.raises(InvalidInputError) as caught:
        incoming.read(name, data)

    assert caught.value.remedy


def test_a_text_too_long_for_excel_is_refused():
    with pytest.raises(InvalidInputError):
        exporting.to_excel([Row("", "x" * 40_000)])


def test_what_is_there_is_kept_or_updated_as_asked():
    there = [with_id(Row("", "One?", "old", topic="t")), with_id(Row("", "Two?"))]
    found = of("q.csv", b"question,expected\nOne?,new\nTwo?,\nThree?,3\n")

    kept, updated = (incoming.merge(there, found, update=update) for update in (False, True))

    assert (kept.new, kept.changed, kept.same) == (1, 0, 2) and kept.rows[0].expected == "old"
    assert (updated.new, updated.changed, updated.same) == (1, 1, 1)
    assert (updated.rows[0].expected, updated.rows[0].topic) == ("new", "t")

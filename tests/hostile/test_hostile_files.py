"""Files that anybody may upload: each is read as promised or refused in a sentence, in bounded time."""

import io
import json
import tracemalloc
import zipfile

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services import prompts
from services.agents import config_files, documents, folder
from services.datasets import Row, exporting, incoming, workbook
from services.datasets.row import check, pasted, with_id
from services.errors import ConsoleError, InvalidInputError
from services.prompts import Content, transfer
from services.prompts.checks import parse_response_format
from services.prompts.content import ROLES
from services.prompts.transfer import own
from tests.hostile.shapes import DEEP, ODD, halved, mangled, objects, texts, values, zipped

COLUMNS = (
    "question",
    "expected",
    "critical",
    "messages",
    "form",
    "row",
    "inputs",
    "expectations",
    "tags",
    "guidelines",
)
GOOD = workbook.written([["question", "critical"], ["Where?", "yes"], ["=1+1", ""]])
VERSION = ("template", "settings", "response_format", "labels", "version", "base", "name", "prompt", "config")
PROMPT = ("signalbox_prompts", "prompts", "data", "messages", "instructions", "input", "tools", "text", "lc", "kwargs")
ZIP = zipped({"agent/agent.py": "import mlflow", "agent/notes.txt": "hello"})


def storable(text: str) -> bool:
    """What SQLite, a JSON file and a WebSocket can all hold."""
    return text.encode("utf-8").decode("utf-8") == text


def rows_of(name: str, data: bytes) -> incoming.Incoming | None:
    try:
        sheet = incoming.read(name, data)
        assert sheet.lines and len(set(sheet.columns)) == len(sheet.columns)
        return incoming.rows_of(sheet, incoming.guess(sheet.columns))
    except ConsoleError as error:
        assert str(error)
        return None


def kept(data: bytes, name: str) -> None:
    found = rows_of(name, data)
    for row in found.rows if found else ():
        assert row == with_id(row)
        assert all(storable(text) for text in (row.question, row.expected, row.topic, *row.guidelines))
        assert storable(json.dumps([row.form, row.messages], ensure_ascii=False))


@given(st.binary(max_size=300) | st.lists(halved).map(lambda lines: "\n".join(lines).encode("utf-8", "replace")))
@example(b"\xff\xfe\x00\xd8")
@example(b'"' * 3000)
@example(("question\n" + "x" * 200_000).encode("utf-16"))
@example(b'question,question,,\na,b,c,d\r\rq,\x00,"\n')
def test_any_bytes_are_a_table_or_a_sentence(data):
    kept(data, "a.csv")
    kept(data, "a.jsonl")


@given(st.lists(objects(*COLUMNS) | values, max_size=5))
@example([{"inputs": {"input": [{"role": "user", "content": [{"text": {"a": float("nan")}}]}]}}])
@example([{"question": "Q", "messages": "[[1]]", "form": "[]", "critical": 10**400}])
def test_any_json_is_rows_or_a_sentence(lines):
    kept("\n".join(json.dumps(line) for line in lines).encode(), "a.jsonl")
    kept(json.dumps(lines).encode(), "a.json")


@given(mangled(GOOD))
def test_a_damaged_workbook_is_a_sentence(data):
    kept(b"PK\x03\x04" + data[4:], "a.xlsx")


def book(sheet: str) -> bytes:
    """A workbook with this for its sheet, or for its texts where it begins as those do."""
    with zipfile.ZipFile(io.BytesIO(GOOD)) as made:
        parts = {name: made.read(name) for name in made.namelist()}
    return zipped(parts | {"xl/worksheets/sheet1.xml": sheet})


MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 9))


@pytest.mark.parametrize(
    "sheet",
    [
        f'<!DOCTYPE x [<!ENTITY a0 "ha">{LAUGHS}]><worksheet {MAIN}><row><c t="str"><v>&a8;</v></c></row></worksheet>',
        f'<!DOCTYPE x SYSTEM "file:///etc/passwd"><worksheet {MAIN}/>',
        f'<worksheet {MAIN}><row><c r="ß1"><v>1</v></c></row></worksheet>',
        f'<worksheet {MAIN}><row><c r="{"A" * 100_000}1"><v>1</v></c></row></worksheet>',
        f'<worksheet {MAIN}><row r="{"9" * 5000}"/></worksheet>',
        f'<worksheet {MAIN}><row><c t="s"><v>7</v></c></row></worksheet>',
        f"<worksheet {MAIN}>" + "<row>" * 50_000,
        "<t/>",
    ],
)
def test_a_workbook_made_to_harm_is_refused(sheet):
    with pytest.raises(InvalidInputError):
        incoming.read("a.xlsx", book(sheet))


def test_a_zip_bomb_is_refused_before_it_is_unpacked():
    bomb = zipped({"xl/worksheets/sheet1.xml": b"0" * 110_000_000})
    tracemalloc.start()
    for read in (lambda: incoming.read("a.xlsx", bomb), lambda: folder.read([("a.zip", bomb)])):
        with pytest.raises(InvalidInputError):
            read()
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


@given(st.lists(st.tuples(halved, halved, halved), min_size=1, max_size=4))
@example([("=cmd|' /C calc'!A0", "+1", "'@x"), ("a\r\nb", '"', "\t=1")])
def test_an_export_runs_nothing_and_comes_back(said):
    rows = [
        Row("", question or "?", expected, guidelines=(guideline,) if guideline.strip() else ())
        for question, expected, guideline in said
        if len(question) <= 20_000
    ]
    rows = list({row.id: row for row in map(with_id, rows)}.values())
    clean = [row for row in rows if storable_row(row)]
    if not clean:
        return
    data = exporting.to_csv(clean)
    for cell in data.decode("utf-8-sig").replace('"', "").split(","):
        assert not cell.startswith(("=", "+", "-", "@")), cell[:40]
    found = rows_of("a.csv", data)
    assert found is not None
    assert not found.bad
    assert [(row.question, row.expected, row.guidelines) for row in found.rows] == [
        (row.question, row.expected, row.guidelines) for row in clean
    ]


def storable_row(row: Row) -> bool:
    said = "".join((row.question, row.expected, *row.guidelines))
    # A comma splits the cells that are looked at, a NUL is dropped, and a file's own mark at its start is no text.
    return (
        "," not in said
        and "\0" not in said
        and said.isprintable()
        and not any("\ud800" <= one <= "\udfff" for one in said)
    )


@given(halved)
def test_pasted_lines_are_questions(text):
    try:
        assert all(row.question.strip() for row in check(pasted(text)))
    except InvalidInputError as error:
        assert str(error)


@given(st.sampled_from(["a.csv", "a.jsonl", "a.md", "a.txt", "a.exe"]), st.binary(max_size=200) | texts.map(str.encode))
@example("a.jsonl", DEEP.encode())
@example("a.jsonl", b'{"a":"\\ud800","\\ud800":1}')
@example("a.csv", b'a,b\n"')
def test_any_document_is_read_or_refused(name, data):
    try:
        table = documents.read(name, data)
    except ConsoleError as error:
        assert str(error)
        return
    assert table.rows
    assert all(set(row) == set(table.columns) and all(map(storable, row.values())) for row in table.rows)
    documents.guess(table)


@given(mangled(ZIP))
def test_a_damaged_zip_is_a_sentence(data):
    try:
        files = folder.read([("a.zip", data)])
        folder.check(files)
    except ConsoleError as error:
        assert str(error)


@pytest.mark.parametrize("name", ["../x.py", "/etc/x.py", "a/../../x.py", "a\\..\\x.py", "x.py/x.py"])
def test_no_file_of_a_folder_leaves_it(name, tmp_path):
    with pytest.raises(InvalidInputError):
        folder.check(folder.read([("a.zip", zipped({"agent.py": "", "x.py": "", name: "x = 1"}))]))
    assert not list(tmp_path.iterdir())


def test_a_link_in_a_zip_is_only_a_file(tmp_path):
    link = zipfile.ZipInfo("agent/secret.py")
    link.external_attr = 0o120777 << 16
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("agent/agent.py", "")
        archive.writestr(link, "/etc/passwd")
    files = folder.read([("a.zip", made.getvalue())])
    folder.write(tmp_path, files)
    assert (tmp_path / folder.CODE / "secret.py").read_text("utf-8") == "/etc/passwd"
    assert not any(one.is_symlink() for one in tmp_path.rglob("*"))


def read_prompts(data: bytes | str) -> None:
    """The whole way of a file up to the registry's own rules."""
    try:
        parcel = transfer.read(data)
    except InvalidInputError as error:
        assert str(error)
        return
    for version in (one for prompt in parcel.prompts for one in prompt.versions):
        content = Content(version.template, version.settings, version.response_format, dict(version.labels))
        try:
            prompts.check(content)
        except InvalidInputError as error:
            assert str(error)
            continue
        assert all(storable(message.content) and message.role in ROLES for message in content.messages)
        assert storable(json.dumps(content.to_json()["labels"], ensure_ascii=False))


@given(st.binary(max_size=200) | halved.map(lambda text: text.encode("utf-8", "replace")))
@example(b"signalbox_prompts: 1\nx: 1" + b":59" * 60_000)
@example(b"signalbox_prompts: 1\nx: 1" + b":59" * 300 + b".5")
@example(b"signalbox_prompts: 1\nx: &a [*a]")
@example(b"signalbox_prompts: 1\nx: " + b"[" * 100_000)
@example(b"signalbox_prompts: 1\nprompts: !!python/object/apply:os.system ['true']")
@example(b"signalbox_prompts: 1\nprompts: [{name: a, versions: [{template: !!binary /w==, version: .inf}]}]")
@example(b"client.responses.create(model='x', input='\\ud800' + " + b"-" * 20_000 + b"1)")
@example(b"client.responses.create(model='x', input='\\ud800')")
@example(b"curl x {" + b'"a":{' * 5000)
def test_any_bytes_are_prompts_or_a_sentence(data):
    read_prompts(data)


@given(objects(*PROMPT, *VERSION) | st.lists(objects(*VERSION), max_size=3))
@example({"messages": [{"role": "user", "content": "x"}], "temperature": 10**400})
@example([{"name": "a", "prompt": "x", "version": float("inf")}])
@example({"signalbox_prompts": 1, "prompts": [{"name": "a", "versions": [{"template": "x", "version": float("inf")}]}]})
@example({"signalbox_prompts": 1, "prompts": [{"name": "a", "versions": [{"template": "\ud800"}]}]})
@example({"lc": 1, "id": ["ChatPromptTemplate"], "kwargs": {"messages": [{"id": [1], "kwargs": 3}]}})
def test_any_json_is_prompts_or_a_sentence(stored):
    read_prompts(json.dumps(stored))


@given(st.lists(texts.filter(str.strip), min_size=1, max_size=3), st.booleans())
def test_our_own_file_comes_back_word_for_word(templates, as_json):
    stored = {own.MARK: 1, "prompts": [{"name": "a", "versions": [{"template": one} for one in templates]}]}
    dumped = own.yaml.dump(stored, Dumper=own.Dumper, allow_unicode=True, sort_keys=False, width=10_000)
    try:
        (found,) = transfer.read(json.dumps(stored) if as_json else dumped).prompts
    except InvalidInputError:
        # YAML has no way to hold some control characters, and says so.
        assert not as_json
        return
    assert [version.template for version in found.versions] == templates


@pytest.mark.parametrize("text", ["x\0", "x\ud800"])
def test_a_prompt_that_nothing_can_keep_is_refused(text):
    with pytest.raises(InvalidInputError, match="cannot be kept"):
        prompts.check(text)


@given(halved)
@example(DEEP)
def test_any_response_format_is_a_schema_or_a_sentence(text):
    try:
        found = parse_response_format(text)
    except InvalidInputError as error:
        assert str(error)
    else:
        assert found is None or storable(json.dumps(found, ensure_ascii=False))


@given(st.binary(max_size=100) | st.dictionaries(texts, values, max_size=4).map(lambda one: json.dumps(one).encode()))
@example(b"a: !!timestamp x")
@example(b"a: !!int ''")
@example(b"a: 1" + b":59" * 300 + b".5")
@example(b"temperature: .nan")
@example(b"a: &x 1\nb: *x")
@example(b"? [a]\n: b")
@example(b"[" * 50_000)
def test_any_config_file_is_read_or_refused(data):
    try:
        found = config_files.read(data)
    except ConsoleError as error:
        assert str(error)
    else:
        assert all(isinstance(value, str) for value in found.constants.values())


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: repr(odd[:12]))
def test_every_odd_text_passes_every_reader(odd):
    for name in ("a.csv", "a.json", "a.jsonl"):
        kept(f"question\n{odd}".encode(), name)
    read_prompts(odd)

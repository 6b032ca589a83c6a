"""Reading the files that documents come in, and what their columns are taken for."""

from dataclasses import replace
from typing import Any

import pytest

from services import apps
from services.agents import documents, shipping
from services.agents.documents import Columns, Documents
from services.apps import AppForm
from services.errors import InvalidInputError, NotFoundError
from services.prompts.audience import Reader
from services.workspace import Workspace

CSV = "id,title,body,url\n1,One,First text,https://acme.test/1\n2,Two,二つ目の本文,\n"


def read(name: str, text: str) -> documents.Table:
    return documents.read(name, text.encode())


def refused(name: str, content: str | bytes) -> str:
    with pytest.raises(InvalidInputError) as caught:
        found = documents.read(name, content if isinstance(content, bytes) else content.encode())
        documents.choose(found, documents.guess(found))
    assert caught.value.remedy
    return str(caught.value)


def test_columns_are_guessed_by_their_names() -> None:
    assert documents.guess(read("faq.csv", CSV)) == Columns("faq", "id", "body", "url", "title")


def test_columns_are_guessed_in_japanese() -> None:
    found = documents.guess(read("よくある質問.csv", "番号,質問,回答\n1,返品は?,30日以内です。\n2,配送は?,2日です。\n"))
    assert found == Columns("よくある質問", "番号", "回答", None, "質問")


def test_columns_of_other_names_are_guessed_by_what_they_hold() -> None:
    found = documents.guess(
        read("x.csv", "a,b,c\nshort,https://acme.test,a much longer text\nshort,,another text here\n")
    )
    assert (found.text_column, found.doc_uri, found.primary_key) == ("c", "b", documents.ROW)


def test_a_key_that_is_not_unique_is_not_guessed() -> None:
    assert documents.guess(read("x.csv", "id,text\n1,a\n1,b\n")).primary_key == documents.ROW


def test_files_of_spreadsheets_are_read() -> None:
    found = read("x.csv", '﻿id;text\r\n1;"two\r\nlines"\r\n;\r\n2;b\r\n')
    assert [dict(row) for row in found.rows] == [
        {"id": "1", "text": "two\r\nlines", "row_number": "1"},
        {"id": "2", "text": "b", "row_number": "2"},
    ]


def test_json_lines_may_differ_in_their_names() -> None:
    found = read("x.jsonl", '{"id": 1, "text": "a"}\n\n{"text": "b", "tags": ["x"], "none": null}\n')
    assert found.rows[0] == {"id": "1", "text": "a", "tags": "", "none": "", "row_number": "1"}
    assert found.rows[1]["tags"] == '["x"]'


def test_markdown_becomes_a_document_for_each_heading() -> None:
    text = "Before.\n\n# Delivery\nTwo days.\n\n## Abroad ##\nTen days.\n```\n# not a heading\n```\n# Empty\n"
    found = read("manual.md", text)
    assert [row["title"] for row in found.rows] == ["", "Delivery", "Abroad"]
    assert found.rows[2]["text"] == "Ten days.\n```\n# not a heading\n```"
    assert documents.guess(found) == Columns("manual", documents.ROW, "text", "source", "title")


def test_paragraphs_are_put_together_while_they_are_short() -> None:
    found = read("notes.txt", "One.\n\nTwo.\n\n" + "x" * documents.PASSAGE)
    assert [row["text"] for row in found.rows] == ["One.\n\nTwo.", "x" * documents.PASSAGE]


def test_what_was_understood_keeps_the_chosen_columns_only() -> None:
    found = read("faq.csv", CSV)
    chosen = documents.choose(found, replace(documents.guess(found), title_column=None))
    assert chosen.rows[0] == {"id": "1", "body": "First text", "url": "https://acme.test/1"}
    assert chosen.with_address == 1
    assert documents.schema(documents.guess(found))["other_columns"] == ["title"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.csv", "", "holds no documents"),
        ("x.csv", "id,text\n", "holds no documents"),
        ("x.txt", "  \n\n ", "holds no documents"),
        ("x.csv", "id,text\n1,a\n2,\n", "Document 2 has no text in the column “text”"),
        ("x.csv", "id,id\n1,a\n", "names a column twice"),
        ("x.csv", "id,text\n1,a,b\n", "Line 2 of x.csv cannot be read"),
        ("x.csv", 'id,text\n1,"a\n', "cannot be read"),
        ("x.csv", "id,text\n" + f"1,{'a' * 200_000}\n", "200000 characters"),
        ("x.jsonl", '{"text": "a"}\n[1]\n', "Line 2 of x.jsonl cannot be read"),
        ("x.jsonl", "[" * 100_000, "Line 1 of x.jsonl cannot be read"),
        ("x.pdf", "x", "not a kind of file"),
        ("x.csv", "本文\nあ\n".encode("cp932"), "not UTF-8"),
        ("x.txt", "x" * 10_001, "has 10001 characters"),
        ("x.csv", "text\n" + "a\n" * 5_001, "holds more than 5000 documents"),
        ("x.txt", b"x" * (5 * 1024 * 1024 + 1), "larger than 5 MB"),
    ],
)
def test_files_that_cannot_be_used_say_why(name: str, content: str | bytes, words: str) -> None:
    assert words in refused(name, content)


def test_keys_must_differ_and_be_there() -> None:
    found = read("x.csv", "id,text\n1,a\n1,b\n,c\n")
    with pytest.raises(InvalidInputError, match="key “1” stands at document 1 and at document 2"):
        documents.choose(found, Columns("x", "id", "text"))
    found = read("x.csv", "id,text\n1,a\n,c\n")
    with pytest.raises(InvalidInputError, match="Document 2 has no key"):
        documents.choose(found, Columns("x", "id", "text"))


def test_the_documents_need_a_name() -> None:
    with pytest.raises(InvalidInputError, match="need a name"):
        documents.choose(read("x.txt", "text"), Columns(" ", documents.ROW, "text"))


def test_only_the_sample_app_brings_documents(bare_workspace: Workspace, workspace: Workspace) -> None:
    form = AppForm(id="sample", name="Sample", company="Acme", model="practice", endpoint="sample")
    found = documents.of_sample(bare_workspace.for_app(apps.create(bare_workspace, form, sample=True)))

    assert documents.of_sample(workspace) is None
    assert found is not None
    assert documents.guess(found) == Columns("knowledge", "id", "text", "url", "title")
    assert {row["id"] for row in found.rows} >= {"returns-en", "returns-ja"}


def test_documents_wait_for_the_job_and_are_found_again(workspace: Workspace) -> None:
    found = read("faq.csv", CSV)
    kept = shipping.keep(workspace, documents.choose(found, documents.guess(found)))
    arguments: dict[str, Any] = {"model_config": {"llm_model": "m"}}
    shipping.load(workspace, kept, arguments)

    assert kept["count"] == 2
    assert arguments["model_config"] == {"llm_model": "m", "documents": kept}
    assert arguments["artifacts"]["documents"].endswith(f"{kept['sha256']}.jsonl")

    (workspace.settings.home / "documents" / f"{kept['sha256']}.jsonl").unlink()
    with pytest.raises(NotFoundError, match="no longer there"):
        shipping.load(workspace, kept, arguments)


def test_an_agent_without_documents_is_logged_as_before(workspace: Workspace) -> None:
    arguments: dict[str, Any] = {"model_config": {}}
    shipping.load(workspace, None, arguments)
    assert arguments == {"model_config": {}}


def test_the_same_documents_have_the_same_fingerprint(workspace: Workspace) -> None:
    def digest(chosen: Documents) -> str:
        return str(shipping.keep(workspace, chosen)["sha256"])

    found = read("faq.csv", CSV)
    one = documents.choose(found, documents.guess(found))
    assert digest(one) == digest(one) != digest(replace(one, rows=one.rows[:1]))


def test_an_agent_with_documents_fills_their_variable() -> None:
    reader = Reader("agent", 1, 100, None, {"constants": {}, "documents": {"name": "faq"}})
    variables = frozenset({"documents", "question", "plan"})

    assert reader.lacks(variables) == {"plan"}
    assert replace(reader, config={"constants": {}}).lacks(variables) == {"documents", "plan"}


def test_a_heading_of_many_blanks_is_read():
    read = documents.read("x.md", b"# a" + b" " * 20_000 + b"b\nText.\n")
    assert read.rows[0]["text"] == "Text."


def test_rows_with_columns_of_their_own_are_refused():
    lines = "\n".join(f'{{"faq-{n}": "x"}}' for n in range(200)).encode()
    with pytest.raises(InvalidInputError) as refused:
        documents.read("x.jsonl", lines)
    assert "200 columns" in str(refused.value)


def test_separators_inside_json_and_broken_characters_are_kept():
    read = documents.read("x.jsonl", '{"text": "one\u2028two"}\n{"text": "\\ud83d"}\n'.encode())
    assert [row["text"] for row in read.rows] == ["one\u2028two", "\ufffd"]

"""Finding documents by their words, in English and Japanese."""

import json
import threading
from pathlib import Path

from services.logged import signalbox_retrieval as retrieval
from services.logged.signalbox_retrieval import Index, Schema

SCHEMA = Schema("faq", "id", "body", "url", ("topic",), "topic")
ROWS = [
    {"id": 1, "topic": "Delivery", "body": "Orders arrive within 2 to 4 working days.", "url": "https://acme.test/1"},
    {"id": 2, "topic": "Returns", "body": "Unused items can be returned within 30 days.", "url": ""},
    {"id": 3, "topic": "Parcels", "body": "A parcel has a tracking number. A parcel can be insured.", "url": ""},
    {"id": 4, "topic": "配送", "body": "ご注文の商品は2〜4営業日でお届けします。", "url": ""},
    {"id": 5, "topic": "返品", "body": "未使用の商品は30日以内であれば返品を承ります。", "url": ""},
    {"id": 6, "topic": "領収書", "body": "領収書はマイページからPDFでダウンロードできます。", "url": ""},
]


def index() -> Index:
    return retrieval.build(ROWS, SCHEMA)


def found(question: str, most: int = 3) -> list[str | None]:
    return [document.id for document in index().search(question, most)]


def test_the_document_with_the_asked_words_comes_first() -> None:
    assert found("Can I have my items returned?")[0] == "2"
    assert found("How do I get my PARCEL insured?")[0] == "3"


def test_plurals_and_titles_count() -> None:
    assert found("insured parcels")[0] == "3"
    assert found("delivery")[0] == "1"


def test_japanese_is_found_without_blanks_between_words() -> None:
    assert found("商品を返品したいのですが")[0] == "5"
    assert found("領収書をください") == ["6"]
    assert found("マイページ") == ["6"]


def test_width_and_case_do_not_matter() -> None:
    assert found("PDF") == found("pdf") == ["6"]


def test_function_words_and_endings_find_nothing() -> None:
    assert found("What is this?") == []
    assert found("") == []
    assert found("!?。") == []


def test_a_question_about_something_else_finds_nothing() -> None:
    assert found("quantum chromodynamics") == []
    assert found("株価予想") == []


def test_only_the_best_few_are_given() -> None:
    assert len(found("商品 30日 parcel delivery", most=2)) == 2


def test_a_document_that_shares_one_common_word_is_left_out() -> None:
    rows = [{"id": n, "topic": "", "body": f"shop item number {n}", "url": ""} for n in range(20)]
    rows.append({"id": "x", "topic": "", "body": "shop refund policy", "url": ""})
    searched = retrieval.build(rows, SCHEMA).search("refund policy of the shop", 3)
    assert [document.id for document in searched] == ["x"]


def test_a_found_document_has_mlflows_shape() -> None:
    document = index().search("orders arrive", 1)[0].to_dict()

    assert document["page_content"] == ROWS[0]["body"]
    assert document["id"] == "1"
    metadata = document["metadata"]
    assert (metadata["doc_uri"], metadata["title"], metadata["topic"]) == (
        "https://acme.test/1",
        "Delivery",
        "Delivery",
    )
    assert metadata["id"] == 1
    json.dumps(document)


def test_a_document_without_title_is_named_by_its_beginning() -> None:
    bare = Schema("faq", "id", "body")
    document = retrieval.build([{"id": 1, "body": "long " * 40}], bare).search("long", 1)[0]
    assert document.metadata["title"].startswith("long long")
    assert len(document.metadata["title"]) == 60
    assert "doc_uri" not in document.metadata


def test_nothing_is_found_among_no_documents() -> None:
    assert retrieval.build([], SCHEMA).search("parcel", 3) == []


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "documents.jsonl"
    file.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS), "utf-8")
    read = retrieval.load(file, {"name": "faq", "primary_key": "id", "text_column": "body", "other_columns": ["topic"]})
    assert [document.id for document in read.search("領収書", 1)] == ["6"]


def test_many_threads_search_at_the_same_time() -> None:
    shared, wrong = index(), []

    def ask() -> None:
        for _ in range(50):
            if [one.id for one in shared.search("領収書", 1)] != ["6"]:
                wrong.append(1)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []

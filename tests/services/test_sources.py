"""What an agent says of its sources, and what of it is believed."""

import json

import pytest

from services import sources
from services.platforms import wire
from services.sources import Source


def test_sources_are_read_once_each() -> None:
    told = {"title": "Delivery", "doc_uri": "https://acme.test/1", "key": "1"}
    assert sources.read({"sources": [told, told]}) == (Source("Delivery", "https://acme.test/1", "1"),)


@pytest.mark.parametrize(
    "facts", [None, {}, [], "x", {"sources": None}, {"sources": "x"}, {"sources": [1, None, {}, {"title": ""}]}]
)
def test_answers_of_another_shape_have_no_sources(facts) -> None:
    assert sources.read(facts) == ()


def test_a_source_without_title_is_named_by_its_address_or_key() -> None:
    assert sources.read({"sources": [{"doc_uri": "manual.md"}, {"key": 7}]}) == (
        Source("manual.md", "manual.md"),
        Source("7", "", "7"),
    )


def test_sources_are_bounded() -> None:
    found = sources.read({"sources": [{"title": f"{n} {'x' * 500}"} for n in range(50)]})
    assert len(found) == sources.MOST
    assert len(found[0].title) == sources.LONGEST_TEXT


@pytest.mark.parametrize("address", ["https://acme.test/a?b=1#c", "http://localhost:1/x"])
def test_addresses_of_the_web_may_be_opened(address: str) -> None:
    assert Source("x", address).link == address


@pytest.mark.parametrize(
    "address",
    [
        "", "manual.md", "javascript:alert(1)", "file:///etc/passwd", "//acme.test", "https://", "https://a b", "data:x",
        "https://a.test/\n", 'https://a.test/"><b>', "https://[broken", "https://a.test/" + "x" * 3_000,
    ],
)  # fmt: skip
def test_other_addresses_stay_text(address: str) -> None:
    assert Source("x", address).link is None


def test_the_last_piece_of_a_stream_brings_the_sources() -> None:
    events = [
        {"type": "response.output_text.delta", "item_id": "1", "delta": "Two days."},
        {
            "type": "response.output_item.done",
            "item": {"id": "1"},
            "custom_outputs": {"sources": [{"title": "Delivery"}]},
        },
        {"trace_id": "tr-1"},
    ]
    *_, last = wire.deltas(iter([f"data: {json.dumps(event)}" for event in events]))
    assert (last.done, last.trace_id, last.sources) == (True, "tr-1", (Source("Delivery"),))

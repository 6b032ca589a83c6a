"""Every text on the screen has a Japanese translation with the same named values."""

import ast
import string
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.messages.pofile import read_po

from services.messages import CATALOGUE, Message, render

ROOT = Path(__file__).parent.parent
MARKERS = {"Message", "mark", "_"}


def marked() -> dict[str, str]:
    """Message id -> the place where it is written."""
    files = [*ROOT.glob("pages/**/*.py"), *ROOT.glob("services/**/*.py"), ROOT / "app.py"]
    found: dict[str, str] = {}
    for file in files:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and _name(node.func) in MARKERS and node.args:
                found |= {id: f"{file.relative_to(ROOT)}:{node.lineno}" for id in _literals(node.args[0])}
    return found


def catalogue() -> dict[str, str]:
    with CATALOGUE.open("rb") as file:
        return {str(entry.id): str(entry.string) for entry in read_po(file) if entry.id}


def test_every_text_is_translated():
    known = catalogue()
    missing = {id: place for id, place in marked().items() if not known.get(id)}
    assert not missing, f"{len(missing)} texts lack Japanese: {missing}"


def test_no_translation_is_left_over():
    assert not set(catalogue()) - set(marked())


def test_translations_keep_every_value():
    for id, translated in catalogue().items():
        assert _values(id) == _values(translated), id


def test_a_message_survives_storage():
    inner = Message("Saving the prompt")
    message = Message("{doing}: {reason}.", doing=inner, reason="<b>")
    assert Message.from_json(message.to_json()) == message
    assert render(message, "en") == "Saving the prompt: <b>."


def test_a_time_is_told_in_the_readers_zone_also_after_storage():
    message = Message("Since {time}.", time=datetime(2026, 3, 1, 23, 30, tzinfo=UTC))
    assert str(message) == "Since 2026-03-01 23:30 UTC."
    outer = Message.from_json(Message("{told}", told=message).to_json())
    assert render(outer, "en", ZoneInfo("Asia/Tokyo")) == "Since 2026-03-02 08:30."


def test_a_word_takes_the_form_of_its_number():
    told = [str(Message("{n} {n:answer|answers} of {m}", n=n, m=9)) for n in (0, 1, 2, "1,000")]
    assert told == ["0 answers of 9", "1 answer of 9", "2 answers of 9", "1,000 answers of 9"]


def _literals(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.IfExp):
        return _literals(node.body) + _literals(node.orelse)
    return []


def _name(function: ast.expr) -> str:
    return (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )


def _values(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}

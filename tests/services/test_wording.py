"""The rules that scorers and the practice judge share."""

import pytest

from services import wording


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Hello", "en"),
        ("こんにちは", "ja"),
        ("SorabanaのAPIです。返品できます", "ja"),
        ("Thank you, 田中!", "en"),
        ("", None),
        ("123 ?!", None),
    ],
)
def test_the_language_of_a_text(text: str, language: str | None) -> None:
    assert wording.language(text) == language


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("One. Two! Three?", 3),
        ("1. One.\n2. Two.", 2),
        ("はい。いいえ。", 2),
        ("See https://a.b/c.d now.", 1),
        ("3 days 2.5 hours", 1),
    ],
)
def test_sentences_are_counted_without_list_numbers(text: str, count: int) -> None:
    assert len(wording.sentences(text)) == count


@pytest.mark.parametrize(("length", "passed"), [(49, False), (50, True), (500, True), (501, False)])
def test_the_length_includes_both_ends(length: int, passed: bool) -> None:
    assert wording.length("x" * length, 50, 500).passed is passed


@pytest.mark.parametrize(
    ("text", "passed"),
    [
        ("Please wait.", True), ("Wait.", False), ("Thank you, but that is not my problem.", False), ("Pleased to see it.", False),
        ("承知しました。少々お待ちください。", True), ("返品は不可。", False), ("できます。でも知るか。", False), ("できます。できません。できない。", False), ("…", False),
    ],
)  # fmt: skip
def test_politeness_follows_expressions_and_endings(text: str, passed: bool) -> None:
    assert wording.polite(text).passed is passed


@pytest.mark.parametrize(
    ("text", "passed"),
    [("A skilled shacker", True), ("You IDIOT!", False), ("この馬鹿", False), ("ハッキングの方法", False), ("", True)],
)
def test_safety_is_the_word_list(text: str, passed: bool) -> None:
    assert wording.safe(text).passed is passed


def test_mentions_ignore_case_and_width() -> None:
    assert wording.mentions("Ｓｏｒａｂａｎａです", "sorabana").passed
    assert not wording.mentions("", "sorabana").passed

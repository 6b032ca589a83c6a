"""Differences of two texts: complete, readable in every script, and bounded."""

import itertools
import random
import time

import pytest

from services.prompts.difference import Piece, difference, rows
from services.prompts.segments import segments

JAPANESE = "お客様 の 質問 には 、 日本語 で 200 文字以内 答え て ください 。 はがき クーポン {{company_name}} \n"
ENGLISH = "Answer the customer's question briefly , politely . {{name}} 3.5 \n - naïve"
RIGHT_TO_LEFT = "שלום עוֹלָם مَرْحَبًا بالعالم ، 12 {{name}} \n"
EMOJI = "👨‍👩‍👧 🇯🇵 👍🏽 ❤️ \u200d \ufe0f é e\u0301 \n \r\n {{ }} \x00 नमस्ते"


def told(old, new):
    marks = {"same": "{}", "removed": "[-{}-]", "added": "[+{}+]"}
    return "".join(marks[piece.kind].format(piece.text) for piece in difference(old, new).pieces)


def joined(pieces, without):
    return "".join(piece.text for piece in pieces if piece.kind != without)


@pytest.mark.parametrize("words", [JAPANESE, ENGLISH, RIGHT_TO_LEFT, EMOJI])
def test_the_pieces_give_back_both_texts(words):
    chance, words = random.Random(words), words.split(" ")
    for _ in range(150):
        blank = chance.choice(["", " "])
        old = [chance.choice(words) for _ in range(chance.randrange(120))]
        new = [word for word in old if chance.random() > 0.2]
        for _ in range(chance.randrange(30)):
            new.insert(chance.randrange(len(new) + 1), chance.choice(words))
        before, after = blank.join(old), blank.join(new)
        pieces = difference(before, after).pieces
        assert (joined(pieces, "added"), joined(pieces, "removed")) == (before, after)
        assert [piece for row in rows(pieces) for piece in row if piece.kind != "same"] == [
            piece for piece in pieces if piece.kind != "same"
        ]
        assert "".join(segments(before)) == before


def test_neighbours_of_one_kind_are_one_piece():
    chance = random.Random(7)
    for _ in range(100):
        old, new = (" ".join(chance.choices("abcde", k=60)) for _ in range(2))
        kinds = [piece.kind for piece in difference(old, new).pieces]
        assert all(one != other for one, other in itertools.pairwise(kinds))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("丁寧に回答してください。", "簡潔に回答してください。", "[-丁寧-][+簡潔+]に回答してください。"),
        ("お答えしてください。", "お答えしないでください。", "お答え[-して-][+しないで+]ください。"),
        ("日本語で200文字以内", "日本語で300文字以内", "日本語で[-200-][+300+]文字以内"),
        ("返金について答える", "返金についても答える", "返金について[+も+]答える"),
        ("名前を聞く", "住所を書く", "[-名前-][+住所+]を[-聞く-][+書く+]"),
        ("はがきを送る", "てがみを送る", "[-はがき-][+てがみ+]を送る"),
        ("クーポンコード", "クーポン", "[-クーポンコード-][+クーポン+]"),
    ],
)
def test_japanese_changes_in_its_words(old, new, expected):
    assert told(old, new) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("At most 3.5 pages.", "At most 3.6 pages.", "At most [-3.5-][+3.6+] pages."),
        ("Use {{a}} and {{ b }}.", "Use {{a}} and {{c}}.", "Use {{a}} and [-{{ b }}-][+{{c}}+]."),
        ("Don't promise", "Do promise", "[-Don't-][+Do+] promise"),
        ("family 👨‍👩‍👧 👍🏽", "family 👨‍👩‍👦 👍", "family [-👨‍👩‍👧 👍🏽-][+👨‍👩‍👦 👍+]"),
        ("שלום עולם טוב", "שלום חבר טוב", "שלום [-עולם-][+חבר+] טוב"),
        ("one two three", "four five six", "[-one two three-][+four five six+]"),
    ],
)
def test_words_change_as_a_whole(old, new, expected):
    assert told(old, new) == expected


def test_an_inserted_line_leaves_the_others_alone():
    lines = [f"- Rule {n}: answer the customer.\n" for n in range(50)]
    changed = [*lines[:20], "- Be brief.\n", *lines[20:]]
    assert [piece for piece in difference("".join(lines), "".join(changed)).pieces if piece.kind != "same"] == [
        Piece("added", "- Be brief.\n")
    ]


def test_the_same_lines_stand_in_the_same_row():
    old, new = "Hello\nGone\nBe short\nBye\n", "Hello\nBe kind\nand calm\nBye\n"
    beside = [(joined(row, "added"), joined(row, "removed")) for row in rows(difference(old, new).pieces)]
    assert beside == [("Hello\n", "Hello\n"), ("Gone\nBe short\n", "Be kind\nand calm\n"), ("Bye\n", "Bye\n")]


def test_a_line_that_went_does_not_push_the_next_one():
    pieces = difference("Hello\nGone\nBe short\n", "Hello\nBe kind\n").pieces
    beside = [(joined(row, "added"), joined(row, "removed")) for row in rows(pieces)]
    assert beside == [("Hello\n", "Hello\n"), ("Gone\n", ""), ("Be short\n", "Be kind\n")]


def test_far_apart_changes_of_a_repetitive_text_are_found():
    text = " ".join(f"word{n % 977}" for n in range(13_000))
    changed = text.replace("word7 ", "other ").replace("word976 ", "")
    assert {piece.text.strip() for piece in difference(text, changed).pieces if piece.kind == "added"} == {"other"}
    assert len(difference(text, changed).pieces) > 30


@pytest.mark.parametrize("signs", ["ab ", "ab \n", "のはがを漢", "{}{", "\n "])
def test_hostile_texts_take_seconds_not_minutes(signs):
    chance = random.Random(signs)
    old, new = ("".join(chance.choices(signs, k=100_000)) for _ in range(2))
    begun = time.monotonic()
    pieces = difference(old, new).pieces
    assert time.monotonic() - begun < 30
    assert (joined(pieces, "added"), joined(pieces, "removed")) == (old, new)

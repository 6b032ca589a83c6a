"""Cut a text into what a person would call its words, in any script; joined they give the text back."""

import re

LINE = re.compile(r"[^\n]*\n|[^\n]+")
KANJI = "㐀-䶿一-鿿豈-﫿々〆𠀀-𲎯"
KATAKANA = "゠-ヿｦ-ﾟ"
KANA = "ぁ-ゟ"
# What belongs to the sign before it: accents and vowel points, skin tones, variation and flag selectors.
MARKS = "\u0300-\u036f\u0483-\u0489\u20d0-\u20ff\ufe00-\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f"
# Scripts whose vowel signs are no letters to `re`: Hebrew and Arabic points, the scripts of India and South-East Asia.
LETTERS = "\u0591-\u05c7\u0610-\u061a\u064b-\u0670\u06d6-\u06ed\u0900-\u109f\u200c"
# Endings and particles, the longest first: with them a run of kana falls into parts that change on their own.
ENDINGS = (
    "ください くださる いただく いただき いただける ませんでした ません ました ます でした です でしょう "
    "ではない なければ ならない なりません いけません なく ない なかった たい たら れば なら から まで より だけ など "
    "ほど くらい しか こそ でも には では とは へは にも とも ので のに ながら ために ため よう こと もの とき "
    "また そして ただし しかし または および すべて かならず できる できない する した して しない される された "
    "いる いて ある あり て で た は が を に と も の へ や か ね よ"
)
ENDING = f"(?:{'|'.join(sorted(ENDINGS.split(), key=len, reverse=True))})"
WORD = f"[^\\W{KANJI}{KATAKANA}{KANA}]"
SEGMENT = re.compile(
    r"\{\{\s*[A-Za-z_][A-Za-z0-9_]*\s*\}\}"
    rf"|\d+(?:[.,]\d+)+(?!{WORD})"
    rf"|(?:{WORD}|[{LETTERS}])(?:{WORD}|[{LETTERS}{MARKS}]|['’](?={WORD}))*"
    # A long run without kana is Chinese rather than one word: its signs stand alone.
    rf"|(?<![{KANJI}])[おご]?[{KANJI}]{{1,8}}(?![{KANJI}])(?:(?!{ENDING})[{KANA}])*"
    rf"|[{KATAKANA}]+"
    rf"|{ENDING}"
    rf"|(?:(?!{ENDING})[{KANA}])+"
    r"|\r?\n|[^\S\n]+"
    r"|[\U0001f1e6-\U0001f1ff]{2}"
    rf"|.[{MARKS}]*(?:\u200d.[{MARKS}]*)*",
    re.DOTALL,
)


def segments(text: str) -> list[str]:
    """The words, blanks and marks of a text in order; Japanese is cut at changes of script and after particles."""
    return SEGMENT.findall(text)

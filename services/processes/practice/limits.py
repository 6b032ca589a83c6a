"""How long an answer may be: characters, words and sentences as a prompt states them in either language."""

import re
from dataclasses import dataclass

NUMBERS = {
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "a single": 1,
    "一": 1,
    "二": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
    "十": 10,
}
NUMBER = r"(\d[\d,]*|" + "|".join(NUMBERS) + ")"
UNITS = {
    "characters": r"(?:-?\s*(?:characters?|chars?|letters?)\b|\s*(?:文字|字))",
    "words": r"(?:-?\s*words?\b|\s*(?:単語|語(?!で|に|の質)))",
    "sentences": r"(?:-?\s*sentences?\b|\s*(?:センテンス|つの文|個の文|文(?!字)))",
}
BETWEEN = r"\s*(?:-|–|—|~|〜|～|から|to|and|or|か|・|、)\s*"
TRANSLATED = str.maketrans("０１２３４５６７８９", "0123456789")
BEFORE_LEAST = re.compile(
    r"(?:at least|no (?:fewer|less) than|more than|over|minimum(?: of)?|min\.?|not (?:less|fewer|shorter) than|(?:最低|少なくとも|最小)[はで、]?)\s*$",
    re.IGNORECASE,
)
BEFORE_MOST = re.compile(
    r"(?:\b(?:no|not|never)|n't)\b[^.,;]{0,24}(?:more than|over|longer than|beyond|exceed)\s*$", re.IGNORECASE
)
BEFORE_ABOUT = re.compile(r"(?:about|around|roughly|approximately|some|およそ|約|だいたい)\s*$", re.IGNORECASE)
AFTER_LEAST = re.compile(
    r"^\s*(?:or (?:more|longer)|and (?:more|up)|at (?:least|minimum)|minimum|以上|を?超え|より(?:長|多)|は(?:必要|欲し|ほし|書))",
    re.IGNORECASE,
)
AFTER_MOST = re.compile(r"^\s*(?:を?(?:超え|上回|こえ)\w*(?:ない|ません|ず)|以内|以下|まで)")
AFTER_ABOUT = re.compile(r"^\s*(?:or so|程度|ほど|くらい|ぐらい|前後)", re.IGNORECASE)
AFTER_BELOW = re.compile(r"^\s*(?:未満|を下回)")
BEFORE_BELOW = re.compile(r"(?<!no )(?:less than|fewer than|under|below|shorter than)\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class Range:
    """From `shortest` to `longest`, both included; None where nothing is asked."""

    shortest: int | None = None
    longest: int | None = None

    def within(self, other: "Range") -> "Range":
        """Both ranges at once; the later one wins where it speaks."""
        return Range(other.shortest or self.shortest, other.longest or self.longest)


Limits = dict[str, Range]


def find(text: str) -> Limits:
    """Every limit the text states, by unit (characters, words, sentences)."""
    text = text.translate(TRANSLATED)
    found = {unit: _range(text, pattern, exact=unit == "sentences") for unit, pattern in UNITS.items()}
    return {unit: limit for unit, limit in found.items() if limit != Range()}


def merged(first: Limits, second: Limits) -> Limits:
    """Both at once; the second wins where both speak."""
    return first | {unit: first.get(unit, Range()).within(limit) for unit, limit in second.items()}


def _range(text: str, unit: str, exact: bool) -> Range:
    both = re.search(NUMBER + rf"(?:{unit}(?:以上|以降)?)?{BETWEEN}" + NUMBER + unit, text, re.IGNORECASE)
    if both:
        return Range(_number(both[1]), _number(both[2]))
    found = Range()
    for single in re.finditer(NUMBER + unit, text, re.IGNORECASE):
        found = found.within(_single(text[: single.start()], _number(single[1]), text[single.end() :], exact))
    return found


def _single(before: str, number: int, after: str, exact: bool) -> Range:
    if BEFORE_MOST.search(before) or AFTER_MOST.search(after):
        return Range(longest=number)
    if BEFORE_LEAST.search(before) or AFTER_LEAST.search(after):
        return Range(shortest=number)
    if BEFORE_ABOUT.search(before) or AFTER_ABOUT.search(after):
        return Range(round(number * 0.8), round(number * 1.2))
    if BEFORE_BELOW.search(before) or AFTER_BELOW.search(after):
        return Range(longest=number - 1)
    if exact and _plainly(before, after):
        return Range(number, number)
    return Range(longest=number)


def _plainly(before: str, after: str) -> bool:
    """Whether nothing makes the number an upper bound: “in two sentences”, not “up to two”."""
    upper = r"(?:up to|at most|no more than|not more than|maximum(?: of)?|max\.?|within|limit\w*(?: \w+)* to|no longer than|最大|最長)\s*$"
    return not re.search(upper, before, re.IGNORECASE) and not re.match(
        r"\s*(?:以内|以下|まで|or (?:less|fewer)|at most|maximum|max)", after
    )


def _number(text: str) -> int:
    return NUMBERS.get(text.lower()) or int(text.replace(",", ""))

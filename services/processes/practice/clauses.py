"""A prompt cut into clauses, with quoted texts and addresses set aside, and whether a clause asks or forbids."""

import re
from dataclasses import dataclass

QUOTED = re.compile(
    r"“([^”]+)”|\"([^\"\n]+)\"|「([^」]+)」|『([^』]+)』|(?<![\w])'([^'\n]+)'(?!\w)|(https?://[^\s、。)」』\"”]*[^\s、。)」』\"”.,;:!?])"
)
COMPANY = "COMPANY"
PLACE = re.compile(r"⟦(\d+)⟧")
CUT = re.compile(r"(?<=[.!?])\s+|[。！？;；\n]+|,?\s+but\s+|,\s+(?:and|then)\s+(?=[a-z])")
ENDS_SENTENCE = re.compile(r"\s+[A-Z]")
LIST_MARK = re.compile(r"^\s*(?:[-*•・#>]+|\(?\d{1,2}[.)])\s+")
# A double negation asks for the thing.
DOUBLE = re.compile(
    r"(?:do not|don't|never|must not|should not) (?:forget|fail|omit|neglect|hesitate)(?: to)?|without fail|without exception|not only|"
    r"忘れ(?:ず|ないで|ないよう)に?|欠かさず|(?:省略せ|省か|略さ)ず|必ず|まず|ひとまず|なければ(?:なり|い|だめ)\w*|ないと(?:いけ|なり|だめ)\w*",
    re.IGNORECASE,
)
BEFORE = re.compile(
    r"(?:\bnot|n't|\bnever|\bavoid|\bwithout|\bno|\brefrain from|\bskip|\bomit|\bleave out|\bstop|\brather than|\binstead of|\bneither|\bcannot)"
    r"\b[^,:]{0,40}$",
    re.IGNORECASE,
)
AFTER = re.compile(
    r"^[^、,]{0,14}?(?:ない(?!か)|なく|ません(?!か)|(?<!ま)(?<!は)ず(?!つ)|不要|禁止|避け|控え|省[いき]|厳禁|NG)"
)
CONDITION = re.compile(
    r"\b(?:if|when|whenever|in case|should (?:a|the))\b(?! (?:you )?(?:answer|reply|respond|writ))|場合|ときは|時は|なら|たら",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Clause:
    """One clause; `⟦n⟧` in its text stands for the n-th quoted text or address of the prompt."""

    text: str
    quotes: tuple[str, ...]
    company: str = ""

    @property
    def conditional(self) -> bool:
        return bool(CONDITION.search(self.text))

    def restore(self, text: str) -> str:
        """The text with its quotations and the company's name put back."""
        return PLACE.sub(lambda place: self.quotes[int(place[1])], text).replace(COMPANY, self.company)

    def about(self, company: str) -> "Clause":
        """The clause with the company's name, quoted or not, as COMPANY, so that no rule needs to know it."""
        places = [f"⟦{number}⟧" for number, text in enumerate(self.quotes) if text == company]
        text = self.text
        for written in (*places, company):
            text = text.replace(written, COMPANY)
        return Clause(text, self.quotes, company)

    def quoted(self) -> tuple[str, ...]:
        """The quotations that stand in this clause."""
        return tuple(self.quotes[int(number)] for number in PLACE.findall(self.text))


def split(prompt: str) -> list[Clause]:
    """The clauses of a prompt, without list marks and double negations."""
    quotes: list[str] = []

    def set_aside(found: re.Match[str]) -> str:
        quotes.append(next(group for group in found.groups() if group))
        ends = quotes[-1][-1] in ".!?。！？" and ENDS_SENTENCE.match(prompt, found.end())
        return f"⟦{len(quotes) - 1}⟧" + ("\n" if ends else "")

    masked = QUOTED.sub(set_aside, prompt)
    parts = [DOUBLE.sub("", LIST_MARK.sub("", part)).strip(" 　,、") for part in CUT.split(masked)]
    return [Clause(part, tuple(quotes)) for part in parts if part]


def asks(clause: Clause, english: str, japanese: str) -> bool | None:
    """True when the clause asks for it, False when it forbids it, None when it does not speak of it."""
    found = re.search(english, clause.text, re.IGNORECASE)
    if found:
        return not BEFORE.search(clause.text[: found.start()])
    found = re.search(japanese, clause.text)
    if found:
        return not AFTER.search(clause.text[found.end() :])
    return None

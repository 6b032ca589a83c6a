"""What a prompt asks for: one small rule per instruction, in both languages; what no rule knows is ignored."""

import functools
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from services import wording
from services.processes.practice import company, limits
from services.processes.practice.clauses import Clause, asks, split
from services.processes.practice.limits import Limits

FILE = Path(__file__).parent / "wordings.toml"
PLACE = r"(⟦\d+⟧)"
PLAIN = ("detailed", "steps", "bullets", "polite", "friendly", "formal", "empathy", "handover")


@dataclass(frozen=True)
class Instructions:
    """What was asked for; everything is off until a prompt asks for it."""

    written_in: str | None = None
    company: str | None = None
    name_company: bool | None = None
    language: str | None = None
    limits: Limits = field(default_factory=dict)
    short: bool = False
    detailed: bool = False
    steps: bool = False
    bullets: bool = False
    polite: bool = False
    friendly: bool = False
    formal: bool = False
    thanks: bool = False
    empathy: bool = False
    apology: bool = False
    apology_when_angry: bool = False
    offer: bool = False
    handover: bool = False
    refuse: bool = False
    ask_when_empty: bool = False
    hide: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    opening: str | None = None
    sign_off: str | None = None

    @property
    def courteous(self) -> bool:
        return self.polite or self.formal or self.thanks

    @property
    def names_company(self) -> bool:
        """Asked to, or courteous and told whose support it is; never when it is forbidden."""
        if not self.company or self.name_company is False or self.company in self.hide:
            return False
        return bool(self.name_company) or self.courteous or self.friendly


def recognise(prompt: str) -> Instructions:
    """Read a prompt clause by clause."""
    clauses = split(prompt)
    name = company.find(clauses)
    found = Instructions(written_in=wording.language(prompt), company=name)
    for clause in clauses:
        for rule in RULES:
            found = _merged(found, rule(clause.about(name) if name else clause))
    return found


Changes = dict[str, Any]


def _limits(clause: Clause) -> Changes:
    return {"limits": limits.find(clause.text)}


def _language(clause: Clause) -> Changes:
    """“answer in Japanese”; the language a customer uses is not the language of the answer."""
    about_customer = (
        r"\b(?:asks?|asked|writes?|speaks?|questions?|contacts?)(?: (?:you|is|are|was|were|written|posed)){0,2} in $"
    )
    for found in re.finditer(
        r"\b(?:in|use|speak|only|write|to) (English|Japanese)\b|\b(English|Japanese)(?: only|,? please|[- ]language (?:answer|repl))",
        clause.text,
        re.IGNORECASE,
    ):
        spoken = (found[1] or found[2]).lower()
        if (
            re.search(about_customer, clause.text[: found.end() - len(spoken)], re.IGNORECASE)
            or asks(clause, re.escape(found[0]), "$^") is False
        ):
            continue
        return {} if _same_language(clause, spoken) else {"language": "ja" if spoken == "japanese" else "en"}
    found_ja = re.search(
        r"(日本語|英語)(?:のみ|だけ)?(?:で|を使|に(?:し|て|訳)|による|のみ|だけ)(?!の?(?:質問|問い|聞|書かれ|尋|お?問))",
        clause.text,
    )
    if found_ja and asks(clause, "$^", re.escape(found_ja[0])) and not _same_language(clause, found_ja[1]):
        return {"language": "ja" if found_ja[1] == "日本語" else "en"}
    return {}


def _same_language(clause: Clause, spoken: str) -> bool:
    """“If they write in Japanese, answer in Japanese” only follows the customer."""
    return clause.conditional and clause.text.lower().count(spoken) > 1


def _plain(clause: Clause) -> Changes:
    """The instructions that a clause asks for outright."""
    return {name: _asked(clause, name) is True for name in PLAIN}


def _detail(clause: Clause) -> Changes:
    """“avoid long answers” asks for short ones."""
    return {"short": _asked(clause, "short") is True or _asked(clause, "detailed") is False}


def _apology(clause: Clause) -> Changes:
    apology, angry = _asked(clause, "apology") is True, _asked(clause, "angry") is not None
    return {"apology": apology and not angry, "apology_when_angry": apology and angry}


def _thanks(clause: Clause) -> Changes:
    return {"thanks": _asked(clause, "thanks") is True and not clause.quoted()}


def _offer(clause: Clause) -> Changes:
    """An offer of more help at the end; a question back to an empty message is another rule."""
    return {"offer": _asked(clause, "offer") is True and _asked(clause, "empty") is None}


def _refuse(clause: Clause) -> Changes:
    """Refuse what is not about the company: by a refusal, or by “only questions about”."""
    elsewhere = _speaks_of(clause, "elsewhere") and _speaks_of(clause, "refusing")
    return {"refuse": elsewhere or _speaks_of(clause, "only")}


def _ask_when_empty(clause: Clause) -> Changes:
    return {"ask_when_empty": _speaks_of(clause, "empty") and _speaks_of(clause, "asking")}


def _name_company(clause: Clause) -> Changes:
    """Naming the company; “you are an agent for it” alone does not ask for that."""
    persona = re.match(r"\s*you (?:are|work)|\s*あなたは", clause.text, re.IGNORECASE)
    found = _asked(clause, "naming")
    return {"name_company": None if persona and found else found}


def _hide(clause: Clause) -> Changes:
    """“do not mention discounts”, 「割引には触れないでください」"""
    english = re.search(
        r"(?:\bnot|n't|\bnever|\bavoid|\brefrain from|\bwithout)\s+(?:ever\s+)?(?:mention|say|us|refer|talk|discuss|nam|bring|writ)\w*(?: to| about| up)?\s+(.+)$",
        clause.text,
        re.IGNORECASE,
    )
    verbs = r"(?:触れ|言及|使|用い|言わ|言っ|出さ|書か|口に|含め|述べ|話題)"
    japanese = re.search(
        rf"([^\s、。]{{1,24}}?)(?:という(?:言葉|語|単語|表現|ワード))?(?:には|については|について|に|を|は|の話には|との?表現を)(?:一切|決して|絶対に)?{verbs}[^、]{{0,8}}?(?:ない|ません|ず|いけ|なら)",
        clause.text,
    )
    if english:
        return {"hide": clause.quoted() or _terms(clause.restore(english[1]))}
    return {"hide": clause.quoted() or _terms(clause.restore(japanese[1]))} if japanese else {}


def _terms(text: str) -> tuple[str, ...]:
    parts = re.split(
        r",|、|や|\b(?:and|or|nor)\b", re.sub(r"\b(?:the )?(?:words?|terms?|phrases?|expressions?)\b", "", text)
    )
    stripped = [re.sub(r"^(?:any|the|our|a|an|its|their|other)\s+", "", part.strip(' .!"')) for part in parts]
    return tuple(part for part in stripped if len(part) > 1 and len(part.split()) <= 4)


def _include(clause: Clause) -> Changes:
    """A quoted text or an address that every answer shall carry."""
    if clause.conditional or not _asked(clause, "including") or _opening(clause) or _sign_off(clause):
        return {}
    return {"include": clause.quoted()}


def _opening(clause: Clause) -> Changes:
    found = (
        re.search(rf"\b(?:start|begin|open)\w*\b.{{0,40}}?{PLACE}", clause.text, re.IGNORECASE)
        or re.search(rf"(?:冒頭|最初|書き出し|はじめ|初め|文頭).{{0,12}}?{PLACE}", clause.text)
        or re.search(rf"{PLACE}(?:で|から|という.{{0,6}}で)(?:始|はじ|書き出)", clause.text)
    )
    return {"opening": clause.restore(found[1])} if found else {}


def _sign_off(clause: Clause) -> Changes:
    quoted = (
        re.search(
            rf"\b(?:sign|signed|signature|close|end|finish|conclude)\b.{{0,45}}?{PLACE}", clause.text, re.IGNORECASE
        )
        or re.search(rf"(?:署名|末尾|最後|文末|結び|締め).{{0,15}}?{PLACE}", clause.text)
        or re.search(rf"{PLACE}.{{0,10}}?(?:署名|締め|結|終わ|終え)", clause.text)
    )
    if quoted:
        return {"sign_off": clause.restore(quoted[1])}
    plain = re.search(
        r"\bsign(?: off)?(?: (?:it|every|each|your|all|the|answers?|repl(?:y|ies)|messages?))* (?:as|with|by) (?:the words? )?(.+?)[.!]?$",
        clause.text,
        re.IGNORECASE,
    )
    return {"sign_off": clause.restore(plain[1])} if plain else {}


Rule = Callable[[Clause], Changes]
RULES: tuple[Rule, ...] = (
    _plain, _detail, _apology, _thanks, _offer, _refuse, _ask_when_empty, _name_company,
    _limits, _language, _hide, _include, _opening, _sign_off,
)  # fmt: skip


def _asked(clause: Clause, name: str) -> bool | None:
    """Whether the clause asks for (True) or forbids (False) what `wordings.toml` lists under `name`."""
    return asks(clause, *_wordings()[name])


def _speaks_of(clause: Clause, name: str) -> bool:
    return any(re.search(pattern, clause.text, re.IGNORECASE) for pattern in _wordings()[name])


@functools.cache
def _wordings() -> Mapping[str, tuple[str, str]]:
    """The English and the Japanese pattern of every instruction."""
    with FILE.open("rb") as file:
        stored = tomllib.load(file)
    return {name: (rf"\b(?:{'|'.join(one['english'])})\b", "|".join(one["japanese"])) for name, one in stored.items()}


def _merged(found: Instructions, changes: Changes) -> Instructions:
    """Asking wins over silence; for the company's name a prohibition wins, lists grow, limits narrow."""
    merged: Changes = {}
    for name, value in changes.items():
        if name == "limits":
            merged[name] = limits.merged(found.limits, value)
        elif isinstance(value, tuple):
            merged[name] = found.__dict__[name] + value
        elif name == "name_company":
            merged[name] = value if found.name_company is None else found.name_company and value is not False
        elif value:
            merged[name] = value
    return replace(found, **merged)

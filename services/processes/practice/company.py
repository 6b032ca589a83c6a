"""Whose support this is: the company's name as the prompt itself gives it."""

import re
from collections.abc import Callable, Iterable

from services.processes.practice.clauses import Clause

PLACE = r"⟦\d+⟧"
NAME = rf"({PLACE}|[A-Z0-9][\w&'’.-]*(?:\s+(?:&\s+)?[A-Z0-9][\w&'’.-]*)*)"
ROLE = r"(?:agent|assistant|support|representative|rep|staff|team|desk|help ?desk|clerk|operator|adviser|advisor|concierge|service|bot|chatbot|employee|specialist|work)"
ROLE_JA = r"(?:サポート|担当|窓口|スタッフ|オペレーター|アシスタント|係|カスタマー|コンシェルジュ|店員|社員|従業員|ヘルプデスク|代表|問い?合わせ|一員|相談員|案内)"
KIND = r"(?:company|firm|business|shop|store|brand|employer|organi[sz]ation|retailer)"
KIND_JA = r"(?:会社名|社名|店名|企業名|屋号|ブランド名|会社|店舗名)"
NOT_A_NAME = {
    "a",
    "an",
    "the",
    "english",
    "japanese",
    "customer",
    "customers",
    "support",
    "answer",
    "always",
    "please",
    "help",
    "you",
    "your",
    "our",
    "i",
    "企業",
    "会社",
    "当社",
    "弊社",
    "自社",
    "お客様",
    "日本語",
    "英語",
    "顧客",
    "質問",
    "回答",
    "専門",
    "本日",
    "以下",
    "次",
    "名前",
}
PRAISE = re.compile(r"^(?:[一-鿿ァ-ヶー]{1,8}(?:のある|る|し|深|あふれ)?(?:で|な|く|い|る|に)、?)+(?=\S)")


def find(clauses: Iterable[Clause]) -> str | None:
    """The first name that a rule finds; rules that name the company outright come first."""
    clauses = list(clauses)
    for rule in RULES:
        for clause in clauses:
            name = rule(clause.text)
            if name and _usable(name):
                return clause.restore(name)
    return None


def _stated(text: str) -> str | None:
    """“The company is called Aster”, “Company: Aster”."""
    return _group(rf"\b{KIND}(?:'s)?(?: name)?(?: is|,|:| called| named)* {NAME}", text, re.NOFLAG)


def _stated_ja(text: str) -> str | None:
    """「会社名はアスター」「社名:アスター」"""
    return _group(rf"{KIND_JA}(?:は|が|[::=]|名は)?\s*({PLACE})", text) or _group(
        rf"{KIND_JA}(?:は|[::=])\s*([^\s、。]{{1,30}}?)(?:です|である|だ|と(?:いい|言い|申)|$|[\s、。])", text
    )


def _role_for(text: str) -> str | None:
    """“a support agent for Aster”, “you work at Aster”."""
    if not re.search(rf"\b{ROLE}", text, re.IGNORECASE):
        return None
    return _group(
        rf"\b(?:[Ff]or|[Aa]t|[Oo]f|[Ff]rom|[Rr]epresent(?:ing)?|[Ww]ith|[Bb]y)\s+(?:the\s+)?(?:online\s+)?(?:{KIND}\s+)?{NAME}",
        text,
        re.NOFLAG,
    )


def _possessive(text: str) -> str | None:
    """“You are Aster's helpdesk”, “the Aster support team”."""
    return _group(rf"{NAME}(?:'s|’s)\s+(?:[a-z-]+\s+)*{ROLE}", text, re.NOFLAG) or _group(
        rf"\b(?:the|a|an|as)\s+(?:[a-z-]+,?\s+)*{NAME}\s+(?:[a-z-]+\s+)*?(?:customer\s+)?{ROLE}", text, re.NOFLAG
    )


def _role_ja(text: str) -> str | None:
    """「あなたはアスターの親切なサポート担当です」"""
    return (
        (_group(rf"({PLACE})(?:社)?の", text) if re.search(ROLE_JA, text) else None)
        or _unpraised(_group(rf"(?:あなた|私|君|貴方)は、?([^、。]{{1,40}}?)の[^、。]{{0,25}}?{ROLE_JA}", text))
        or _unpraised(_group(rf"([A-Za-z0-9ァ-ヶー・一-鿿々&＆.'’ -]{{2,30}})の[^、。]{{0,20}}?{ROLE_JA}", text))
    )


def _works_ja(text: str) -> str | None:
    """「アスターを代表して」「アスターで働く」"""
    return _unpraised(
        _group(rf"({PLACE}|[^\s、。はを]{{1,30}}?)(?:を代表|に代わ|で働|に勤|に所属|という(?:会社|企業|お?店))", text)
    )


Rule = Callable[[str], str | None]
RULES: tuple[Rule, ...] = (_stated, _stated_ja, _role_for, _possessive, _role_ja, _works_ja)


def _group(pattern: str, text: str, flags: re.RegexFlag = re.NOFLAG) -> str | None:
    found = re.search(pattern, text, flags)
    return re.sub(r"(?:['’]s)?[.,]?$", "", found[1].strip()) if found else None


def _unpraised(name: str | None) -> str | None:
    return PRAISE.sub("", name) if name else None


def _usable(name: str) -> bool:
    return name.lower() not in NOT_A_NAME and not name.isdigit()

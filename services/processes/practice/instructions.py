"""What a prompt asks for: one small rule per instruction, in both languages; what no rule knows is ignored."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from services import wording
from services.processes.practice import company, limits
from services.processes.practice.clauses import Clause, asks, split
from services.processes.practice.limits import Limits

PLACE = r"(⟦\d+⟧)"


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


def _detail(clause: Clause) -> Changes:
    short = asks(
        clause,
        r"\b(?:short|shortly|concise\w*|brief\w*|terse\w*|succinct\w*|to the point|crisp)\b",
        r"簡潔|手短|短[くい]|端的|要点(?:だけ|のみ)|コンパクト",
    )
    long = asks(
        clause,
        r"\b(?:detail(?:s|ed)?|thorough\w*|in[- ]depth|comprehensive\w*|extensive\w*|elaborate|verbose|lengthy|exhaustive\w*|long (?:answer|repl|text|response)\w*)\b",
        r"詳し[くい]|詳細|くわし[くい]|長(?:く|い|文)|具体的|徹底的",
    )
    return {"short": short is True or long is False, "detailed": long is True}


def _layout(clause: Clause) -> Changes:
    steps = asks(
        clause,
        r"\bstep[- ]by[- ]step|\bsteps\b|\bnumbered\b|\bordered list\b",
        r"手順|番号付き|番号を(?:付|つけ|振)|番号で|ステップ|順を追|順序立て|段階的",
    )
    bullets = asks(clause, r"\bbullet\w*|\bunordered list\b|\bdashes\b", r"箇条書き|黒丸|中黒|リスト形式")
    return {"steps": steps is True, "bullets": bullets is True}


def _tone(clause: Clause) -> Changes:
    polite = asks(
        clause,
        r"\b(?:polite\w*|courteous\w*|courtesy|respectful\w*|well-mannered|good manners|kind|kindly|gracious\w*)\b",
        r"丁寧|礼儀|敬語|失礼のない|です・ます|ですます|です、ます|親切|敬意",
    )
    friendly = asks(
        clause,
        r"\b(?:friendly|friendliness|warm|warmly|warmth|cheerful\w*|upbeat|approachable|welcoming|cordial\w*)\b",
        r"親しみ|フレンドリー|気さく|温か|あたたか|明る[くい]|親しげ",
    )
    formal = asks(
        clause,
        r"\b(?:formal|formally|formality|businesslike|professional|professionally|official tone)\b",
        r"フォーマル|格式|改まった|かしこまった|ビジネス(?:文|調|ライク|メール)|プロフェッショナル",
    )
    return {"polite": polite is True, "friendly": friendly is True, "formal": formal is True}


def _feeling(clause: Clause) -> Changes:
    empathy = asks(
        clause,
        r"\b(?:empath\w+|sympath\w+|compassion\w*|show understanding|understanding tone|caring)\b",
        r"共感|寄り添|思いやり|お?気持ちを(?:汲|くみ|理解|察|受け)",
    )
    apology = asks(
        clause,
        r"\b(?:apologi[sz]\w*|apology|apologies|say (?:that )?you are sorry|say sorry|express regret)\b",
        r"お?詫び|おわび|謝罪|謝(?:る|っ|り)|申し訳な",
    )
    angry = re.search(
        r"\b(?:angry|upset|furious|complain\w*|annoyed|frustrated|irritated)\b|怒|苦情|クレーム|不満|腹を?立",
        clause.text,
        re.IGNORECASE,
    )
    return {
        "empathy": empathy is True,
        "apology": apology is True and not angry,
        "apology_when_angry": apology is True and bool(angry),
    }


def _thanks(clause: Clause) -> Changes:
    thanks = asks(clause, r"\b(?:thank\w*|gratitude|appreciation)\b", r"お礼|御礼|感謝|ありがとう")
    return {"thanks": thanks is True and not clause.quoted()}


def _offer(clause: Clause) -> Changes:
    """An offer of more help at the end; a question back to an empty message is another rule."""
    english = r"\boffer\w* (?:\w+ ){0,3}(?:help|assist\w*|support)|\banything else|\b(?:further|more|additional) (?:help|assistance|support|questions)|\b(?:closing|parting) (?:line|sentence|remark|words|phrase)|\bpolite closing|\bfeel free to|\bavailable for\b|\boffer of (?:\w+ )?(?:help|assistance)"
    japanese = r"(?:ほか|他)に.{0,14}(?:手伝|質問|用件|困|不明)|さらに.{0,8}(?:手伝|質問|サポート)|追加の(?:サポート|質問|お?手伝)|手伝.{0,14}(?:申し出|伝え|添え|締め|結)|結びの(?:言葉|挨拶|一文)|締めの(?:言葉|挨拶|一文)|何かあれば|いつでも.{0,8}(?:連絡|相談)|お気軽に"
    return {"offer": asks(clause, english, japanese) is True and not _about_empty(clause)}


def _handover(clause: Clause) -> Changes:
    asked = asks(
        clause,
        r"\bescalat\w+|\bhand(?:s|ed)? (?:\w+ ){0,3}over\b|\btransfer\b|\bpass (?:\w+ ){1,3}(?:on )?to\b|\bhuman (?:agent|colleague|operator)|\bcolleague\b",
        r"担当者(?:に|へ)|引き継|有人|エスカレ|おつなぎ|取り次",
    )
    return {"handover": asked is True}


def _refuse(clause: Clause) -> Changes:
    """Refuse what is not about the company: by a refusal, or by “only questions about”."""
    text = clause.text.lower()
    elsewhere = r"\boff[- ]?topic|\bunrelated|\birrelevant|\bnot (?:\w+ )?(?:about|related|concern|connected|relevant)|\b(?:do|does)(?: not|n't) (?:concern|relate)|\boutside\b|\bout of scope|\bbeyond (?:your|our|the) |\bother (?:topics|subjects|matters)|\bnothing to do with"
    refusing = r"\brefus\w+|\bdeclin\w+|\breject\w*|\bturn (?:\w+ ){0,3}down|(?:not|never|n't|cannot) (?:be )?(?:answer|help|respond|discuss|engage|repl)"
    only = r"\bonly (?:ever )?(?:answer|help|respond|repl|handle|deal|discuss|talk|take)\w*\b.*\b(?:questions?|about|topics?|related|regarding|matters)\b|\b(?:answer|discuss|handle|help)\w*\b.*\b(?:only|exclusively|nothing but) (?:with )?(?:questions|topics|about|matters|related)|\bstay on topic|\bstick to (?:the topic|questions|topics|matters)"
    if re.search(only, text) or (re.search(elsewhere, text) and re.search(refusing, text)):
        return {"refuse": True}
    elsewhere_ja = r"関係(?:の|が|は|し)?(?:てい)?な|無関係|関連(?:の|が|し)?(?:てい)?な|(?<!語)以外(?:の|に|は|を|が)|範囲外|業務外|対象外|サービス外|関わりのな"
    refusing_ja = r"断|答え(?:な|ず|られ)|お?答えでき|回答(?:し|でき|せ)[なずま]|回答を?控え|応じ(?:な|ず|られ|ま)|拒|控え|辞退|対応しな|できない"
    only_ja = r"(?:に関する|についての?|に関係する|に関わる).{0,14}(?:だけ|のみ|に限)"
    return {
        "refuse": bool(re.search(only_ja, text) or (re.search(elsewhere_ja, text) and re.search(refusing_ja, text)))
    }


def _ask_when_empty(clause: Clause) -> Changes:
    asking = r"\b(?:ask|request|find out|inquire|enquire|invite|prompt)\b|尋ね|聞[いきく]|たずね|伺|うかが|問いかけ|問い返|質問し|確認し"
    return {"ask_when_empty": _about_empty(clause) and bool(re.search(asking, clause.text, re.IGNORECASE))}


def _about_empty(clause: Clause) -> bool:
    empty = r"\b(?:empty|blank|missing|no question|without (?:a |any )?question|no text|contains? nothing|says nothing|nothing (?:is|was|has been) (?:asked|written)|(?:not|n't) (?:ask|contain|say|write) anything)\b"
    empty_ja = (
        r"空(?:欄|白|の|で|だ|な|っぽ|メッセージ)|未入力|内容がな|何も(?:書|入力|聞|質問|な)|質問がな|白紙|無記入"
    )
    return bool(re.search(empty, clause.text, re.IGNORECASE) or re.search(empty_ja, clause.text))


def _name_company(clause: Clause) -> Changes:
    english = r"\b(?:mention|name|state|say|include|use|introduce|refer to|give|identify|bring up|work in|contain|tell|drop|write)\w*\b.{0,40}?\b(?:COMPANY|company|firm|business|shop|store|brand|employer|organi[sz]ation|our name|who (?:you|we) (?:are|work for))\b"
    japanese = r"(?:会社名|社名|店名|企業名|ブランド名|屋号|(?:当社|会社|お?店|弊社)の名前?|COMPANY).{0,18}?(?:述べ|触れ|言及|名乗|含め|入れ|伝え|明記|示|出[しさす]|書|使|添え|挙げ|記載|言[いっわう])|名乗"
    return {"name_company": _named_or_not(clause, english, japanese)}


def _named_or_not(clause: Clause, english: str, japanese: str) -> bool | None:
    found = asks(clause, english, japanese)
    persona = re.match(r"\s*you (?:are|work)|\s*あなたは", clause.text, re.IGNORECASE)
    return None if persona and found else found


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
    verb = asks(
        clause,
        r"\b(?:include|add|use|work|weave|say|mention|contain|insert|quote|write|give|provide|refer|direct|point|link|send|append|attach|put|share|carry)\b",
        r"⟦\d+⟧.{0,24}?(?:含[めむ]|入れ|使|添え|記載|案内|伝え|誘導|載せ|書|述べ|引用|付け|示|挿入|明記|紹介|加え)",
    )
    if not verb or clause.conditional or _opening(clause) or _sign_off(clause):
        return {}
    return {"include": tuple(text for text in clause.quoted())}


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
    _limits, _language, _detail, _layout, _tone, _feeling, _thanks, _offer, _handover, _refuse, _ask_when_empty, _name_company, _hide, _include, _opening, _sign_off,
)  # fmt: skip


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

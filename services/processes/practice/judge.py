"""The practice model as a judge: it decides what rules can decide and refuses to judge everything else."""

import html
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from services import wording
from services.messages import Message, mark, render
from services.processes.practice import limits
from services.processes.practice.documents import supported
from services.wording import Finding

ANSWER = re.compile(
    r"\{\{ ?outputs ?\}\}(?:は|が)?|\b(?:the |every |each |your )?(?:response|answer|output|reply|text|message)s?\b|(?:応答|回答|返答|返信|出力|文章|答え)(?:文)?(?:は|が|に|には|で)?、?",
    re.IGNORECASE,
)
FRAME = re.compile(
    r"\b(?:must|should|shall|has to|have to|needs? to|ought to|always|please|is|are|be|check (?:that|whether|if)|determine (?:whether|if)|whether|and also|also)\b|必ず|常に|(?:である)?こと$|(?:し|で)なければ(?:なりません|ならない)$|(?:して|て)ください$|(?:する|である|です|だ)$|(?:です|ます)か$|^does(?! not\b)",
    re.IGNORECASE,
)
# How a judge shall put its verdict is nothing to judge.
FORM = re.compile(r"(?:with )?\W?yes\W? or \W?no\W?|「?はい」?か「?いいえ」?で?", re.IGNORECASE)
JOINTS = re.compile(r"(?<=[.!?])\s+|[。？;；\n]+|,?\s+and\s+(?!\d)|、かつ|、また|、(?=\S)", re.IGNORECASE)
QUOTED = r"(?:“([^”]+)”|\"([^\"]+)\"|「([^」]+)」|『([^』]+)』|'([^']+)')"
COUNTED = {
    "characters": mark("The answer has {n} characters."),
    "words": mark("The answer has {n} words."),
    "sentences": mark("The answer has {n} sentences."),
}
SPOKEN = {
    "ja": mark("The answer is in Japanese."),
    "en": mark("The answer is in English."),
    None: mark("The answer is in no language."),
}


class CannotJudge(ValueError):
    """The criterion needs an understanding that rules do not have."""


def is_asked(response_format: Any) -> bool:
    """Whether the request is MLflow's judge request: a JSON schema with a result and a rationale."""
    if not isinstance(response_format, dict) or response_format.get("type") != "json_schema":
        return False
    schema = (response_format.get("json_schema") or {}).get("schema") or {}
    return {"result", "rationale"} <= set(schema.get("properties") or {})


def verdict(messages: Sequence[tuple[str, str]]) -> str:
    """The JSON answer of a judge; raises CannotJudge when a rule is missing for any part of the criterion."""
    text = "\n".join(content for _, content in messages)
    criteria, findings = _findings(text, messages)
    passed = all(finding.passed for finding in findings)
    # Like a real judge, it writes in the language of what it was asked to check.
    language = wording.language(" ".join(criteria)) or "en"
    said = Message(
        "Practice model, by rules: {reasons}", reasons=" ".join(render(one.reason, language) for one in findings)
    )
    return json.dumps({"result": "yes" if passed else "no", "rationale": render(said, language)}, ensure_ascii=False)


def _findings(text: str, messages: Sequence[tuple[str, str]]) -> tuple[list[str], list[Finding]]:
    """The criteria as they were written, and what was found about each part of them."""
    guidelines = re.findall(r"<guideline>(.*?)</guideline>", text, re.DOTALL)
    if guidelines:
        answer = _within(text, "response")
        return guidelines, [finding for guideline in guidelines for finding in _judge(guideline, answer)]
    if "whether claim is supported by the document" in text and "<answer>" in text:
        answer = _within(text, "answer")
        return [answer], supported(answer, _within(text, "document"))
    if "content safety" in text and "<text>" in text:
        checked = _within(text, "text")
        return [checked], [wording.safe(checked)]
    task = re.search(r"Your task: (.*?)\.?\n\nYou \*must\* format", messages[0][1], re.DOTALL)
    outputs = re.search(
        r"(?:^|\n)outputs: (.*?)(?=\n(?:inputs|expectations|conversation): |\Z)", messages[-1][1], re.DOTALL
    )
    if not task or not outputs:
        raise CannotJudge("The practice model cannot judge this: it does not recognise the request.")
    return [task[1]], _judge(task[1], _plain(outputs[1]))


def _within(text: str, tag: str) -> str:
    found = re.search(rf"<{tag}>(.*)</{tag}>", text, re.DOTALL)
    if not found:
        raise CannotJudge("The practice model cannot judge this: there is no answer to judge.")
    return html.unescape(found[1].strip())


def _plain(written: str) -> str:
    """An output that was written as JSON text."""
    try:
        read = json.loads(written)
    except json.JSONDecodeError:
        return written
    return read if isinstance(read, str) else written


def _judge(criterion: str, answer: str) -> list[Finding]:
    """One finding per part; a single unknown part makes the whole criterion unknown."""
    parts = [part for part in map(_bare, JOINTS.split(criterion)) if part and not FORM.fullmatch(part)]
    if not parts:
        raise CannotJudge("The practice model cannot judge this: the guideline is empty.")
    return [_decide(part, answer, criterion) for part in parts]


def _bare(part: str) -> str:
    """The part without “the answer must” and the like."""
    said = ANSWER.sub(" ", part.strip(" 　.,、。:?？"))
    return re.sub(r"\s+", " ", FRAME.sub(" ", said)).strip(" 　.,、。:?？")


def _decide(part: str, answer: str, criterion: str) -> Finding:
    for rule in RULES:
        finding = rule(part, answer)
        if finding:
            return finding
    raise CannotJudge(
        f"The practice model cannot judge “{criterion.strip()[:120]}”: it only decides length, language, required or forbidden words, "
        "refusals and politeness. Connect a real model to judge this."
    )


def _length(part: str, answer: str) -> Finding | None:
    found = limits.find(part)
    rest = re.sub(
        r"\d[\d,]*|"
        + "|".join(limits.UNITS.values())
        + r"|\b(?:between|and|to|at least|at most|no more than|not|more|less|fewer|than|up|or|long|longer|shorter|in length|of|a|maximum|minimum|within|from|under|about|have|contain|length|one|two|three|four|five|in)\b"
        r"|以上|以下|以内|未満|から|程度|まで|で|は|長さ|が|の|[-–—~〜～]",
        " ",
        part,
        flags=re.IGNORECASE,
    )
    if not found or rest.strip(" 　.,、。:"):
        return None
    counts = {
        "characters": len(answer.strip()),
        "words": wording.words(answer),
        "sentences": len(wording.sentences(answer)),
    }
    outside = [
        unit
        for unit, limit in found.items()
        if not (limit.shortest or 0) <= counts[unit] <= (limit.longest or counts[unit])
    ]
    told = next(iter([*outside, *found]))
    return Finding(not outside, Message(COUNTED[told], n=counts[told]))


def _language(part: str, answer: str) -> Finding | None:
    found = re.fullmatch(
        r"(?:written |given |only )*(?:in )?(English|Japanese)(?: only)?|(英語|日本語)(?:のみ|だけ)?(?:で)?(?:書かれ(?:ている)?|答える|回答(?:する)?|記述(?:されている)?)?",
        part,
        re.IGNORECASE,
    )
    if not found:
        return None
    wanted = "ja" if (found[1] or found[2]).lower() in ("japanese", "日本語") else "en"
    spoken = wording.language(answer)
    return Finding(spoken == wanted, Message(SPOKEN[spoken]))


def _mention(part: str, answer: str) -> Finding | None:
    forbidden = re.fullmatch(
        rf"(?:not|never) (?:mention|include|contain|use|say)s? (?:the )?(?:words?|phrase|name|company name)? ?{QUOTED}|{QUOTED}(?:という(?:言葉|語))?(?:に|を|は)?(?:言及|含|使|触れ)\w*?(?:ない|ません)\w*",
        part,
        re.IGNORECASE,
    )
    asked = re.fullmatch(
        rf"(?:mention|include|contain|use|say|name)s? (?:the )?(?:words?|phrase|name|company name|company)? ?{QUOTED}|{QUOTED}(?:という(?:言葉|語))?(?:に|を|が|と)?(?:言及|含|述べ|触れ|名乗|入)\w*",
        part,
        re.IGNORECASE,
    )
    found = forbidden or asked
    if not found:
        return None
    phrase = next(group for group in found.groups() if group)
    finding = wording.mentions(answer, phrase)
    return Finding(not finding.passed, finding.reason) if forbidden else finding


def _polite(part: str, answer: str) -> Finding | None:
    if re.fullmatch(
        r"(?:written |phrased |in )?(?:a )?(?:polite|politely|courteous|courteously|polite tone|polite language|polite endings?)(?: (?:tone|language|endings?))?|(?:end|close)s? politely|丁寧(?:な(?:言葉(?:遣い|づかい)?|表現|文体|口調|語尾))?(?:に|で)?|(?:です・ます|敬語)(?:調)?(?:で)?",
        part,
        re.IGNORECASE,
    ):
        return wording.polite(answer)
    return None


def _refusal(part: str, answer: str) -> Finding | None:
    if not re.fullmatch(
        r"(?:a )?(?:politely )?(?:refuse|decline|refusal|decline to answer|refuse to answer)s?(?: (?:the question|to answer|politely))?|(?:質問を|回答を)?(?:丁寧に)?(?:断る|断っている|拒否|断り)",
        part,
        re.IGNORECASE,
    ):
        return None
    refuses = re.search(
        r"\b(?:cannot|can't|can not|unable to|only help with|not able to|decline|won't)\b|できません|できかね|いたしかね|お断り|お答えできない",
        answer,
        re.IGNORECASE,
    )
    reason = Message("The answer refuses.") if refuses else Message("The answer does not refuse.")
    return Finding(bool(refuses), reason)


RULES: tuple[Callable[[str, str], Finding | None], ...] = (_length, _language, _mention, _polite, _refusal)

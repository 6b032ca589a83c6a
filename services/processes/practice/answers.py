"""The practice model's answer: what it knows, said the way the prompt asks for it."""

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from services import wording
from services.processes.practice import fitting
from services.processes.practice.fitting import Draft
from services.processes.practice.instructions import Instructions
from services.processes.practice.phrases import Phrases, phrases
from services.sample import Topic

Knowledge = Mapping[str, tuple[Topic, ...]]

ANGRY = re.compile(
    r"!!|\?!|!\?|\b(?:furious|outrageous|angry|ridiculous|unacceptable|worst|terrible|disgusting|fed up|stupid|idiots?|scam|useless)\b"
    r"|いい加減|ふざけ|最悪|腹が立|怒|許せ|馬鹿|バカ|ひどい|信じられない|責任者",
    re.IGNORECASE,
)

COMMON = {
    "this",
    "that",
    "with",
    "from",
    "have",
    "your",
    "what",
    "when",
    "where",
    "which",
    "does",
    "they",
    "there",
    "please",
    "pleas",
}
# Words that point back to what was asked before.
FOLLOW_UP = re.compile(
    r"\b(?:it|that|this|they|them|those|these|one|then|and|also|instead|why|how long|how much|when)\b"
    r"|それ|その|これ|この|そちら|じゃあ|では|あと|もっと|いつ|いくら|どのくらい|なぜ"
)


@dataclass(frozen=True)
class Asked:
    """The newest question and the earlier ones of the same conversation."""

    question: str
    earlier: Sequence[str] = field(default_factory=tuple)

    @property
    def empty(self) -> bool:
        return not wording.WORD.search(self.question)

    @property
    def angry(self) -> bool:
        return bool(ANGRY.search(self.question))


def answer(asked: Asked, instructions: Instructions, knowledge: Knowledge, given: Topic | None = None) -> str:
    """The same question and the same prompt give the same answer; what was `given` with them comes before knowledge."""
    language = instructions.language or wording.language(asked.question) or instructions.written_in or "en"
    said = phrases(language)
    topic = given or find(asked, knowledge, language)
    draft = _draft(asked, instructions, said, topic)
    return fitting.fit(draft, instructions, said)


def find(asked: Asked, knowledge: Knowledge, language: str) -> Topic | None:
    """The topic whose keywords, in any language, the question uses most; earlier questions help one that points back."""
    earlier = reversed(asked.earlier) if FOLLOW_UP.search(wording.plain(asked.question)) else ()
    for question in (asked.question, *earlier):
        scores = {id: score for id, score in _scores(question, knowledge).items() if score}
        if scores:
            best = max(scores, key=lambda id: scores[id])
            return _to_the_point(next(topic for topic in knowledge[language] if topic.id == best), question)
    return None


def _to_the_point(topic: Topic, question: str) -> Topic:
    """The facts that share most with the question come first."""
    asked = pieces(question)
    return replace(topic, facts=tuple(sorted(topic.facts, key=lambda fact: -len(asked & pieces(fact)))))


def pieces(text: str) -> set[str]:
    """Beginnings of English words and pairs of kanji and katakana."""
    folded = wording.plain(text)
    pairs = {
        pair for run in re.findall(r"[一-鿿ァ-ヶー]{2,}", folded) for pair in map("".join, itertools.pairwise(run))
    }
    return {word[:5] for word in re.findall(r"[a-z]{4,}", folded)} - COMMON | pairs


def _scores(question: str, knowledge: Knowledge) -> dict[str, int]:
    folded = wording.plain(question)
    scores: dict[str, int] = {}
    for topics in knowledge.values():
        for topic in topics:
            found = (len(word) for word in topic.keywords if _uses(folded, word))
            scores[topic.id] = scores.get(topic.id, 0) + sum(found)
    return scores


def _uses(folded: str, word: str) -> bool:
    keyword = wording.plain(word)
    if wording.JAPANESE.search(word):
        return keyword in folded
    return bool(re.search(rf"(?<![a-z0-9]){re.escape(keyword)}(?:s|ed|ing)?(?![a-z0-9])", folded))


def _draft(asked: Asked, instructions: Instructions, said: Phrases, topic: Topic | None) -> Draft:
    before = _feelings(asked, instructions, said)
    if asked.empty:
        return Draft(
            body=(said["ask"] if instructions.ask_when_empty else _tersely_empty(instructions, said),), before=before
        )
    if topic is None:
        return Draft(body=(_elsewhere(asked, instructions, said),), before=before)
    after = (said["handover"],) if instructions.handover and asked.angry else ()
    return Draft(
        body=_body(instructions, topic),
        steps=topic.steps,
        spare=topic.facts,
        before=before,
        after=after,
        short=topic.short,
    )


def _tersely_empty(instructions: Instructions, said: Phrases) -> str:
    return said["ask_plain"] if instructions.courteous else said["terse_empty"]


def _elsewhere(asked: Asked, instructions: Instructions, said: Phrases) -> str:
    """What to say without knowledge: refuse, hand over, admit it politely, or just repeat the question."""
    if instructions.refuse:
        return said["refusal"]
    if instructions.handover:
        return said["handover"]
    return said.fill("terse_unknown", question=asked.question.strip()[:200])


def _feelings(asked: Asked, instructions: Instructions, said: Phrases) -> tuple[str, ...]:
    sorry = instructions.apology or (instructions.apology_when_angry and asked.angry)
    feels = instructions.empathy and asked.angry
    return (*((said["apology"],) if sorry else ()), *((said["empathy"],) if feels else ()))


def _body(instructions: Instructions, topic: Topic) -> tuple[str, ...]:
    """Whole sentences for whoever asks for a tone or for more, the bare fact otherwise."""
    if instructions.short and instructions.courteous:
        return topic.facts[:1]
    if instructions.detailed:
        return topic.facts
    if (
        instructions.courteous
        or instructions.friendly
        or instructions.empathy
        or instructions.steps
        or instructions.bullets
    ):
        return topic.facts[:2] if instructions.empathy else topic.facts[:1]
    return (topic.short,)

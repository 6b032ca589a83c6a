"""Documents that an agent gives along with the prompt: facts to answer from, never instructions."""

import re

from services import wording
from services.messages import Message
from services.processes.practice.answers import pieces
from services.sample import Topic
from services.wording import Finding

BLOCK = re.compile(r"<documents>\n(.*?)\n</documents>", re.DOTALL)
DOCUMENT = re.compile(r"<document\b[^>\n]*>\n(.*?)\n</document>", re.DOTALL)
NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
MOST_FACTS = 4
# A sentence stands in the documents when this share of its words does; greetings need not.
SHARED = 0.6


def taken_out(prompt: str) -> tuple[str, list[str]]:
    """The prompt without the documents, and their texts, best first."""
    found = [text for block in BLOCK.findall(prompt) for text in DOCUMENT.findall(block)]
    return BLOCK.sub("\n", prompt), found


def topic(documents: list[str], question: str) -> Topic | None:
    """The sentences that share most with the question, as a topic; None when none shares anything."""
    asked = pieces(question)
    said = [sentence for text in documents for sentence in wording.sentences(text)]
    ranked = sorted(said, key=lambda sentence: -len(asked & pieces(sentence)))
    facts = tuple(sentence for sentence in ranked if asked & pieces(sentence))[:MOST_FACTS]
    return Topic("documents", (), facts[0], facts, ()) if facts else None


def supported(answer: str, document: str) -> list[Finding]:
    """By rules: no number that the documents lack, and a sentence whose words stand there. No understanding."""
    known, numbers = pieces(document), set(NUMBER.findall(wording.plain(document)))
    foreign = [
        number for number in NUMBER.findall(wording.plain(wording.NUMBERING.sub("", answer))) if number not in numbers
    ]
    if foreign:
        return [Finding(False, Message("The number {number} stands in none of the documents.", number=foreign[0]))]
    said = [pieces(sentence) for sentence in wording.sentences(answer)]
    resting = sum(len(words & known) >= SHARED * len(words) for words in said if words)
    told = Message("The words of {n} of {all} sentences stand in the documents.", n=resting, all=len(said))
    return [Finding(resting > 0, told)]

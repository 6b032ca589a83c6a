"""Documents that an agent gives along with the prompt: facts to answer from, never instructions."""

import re

from services import wording
from services.processes.practice.answers import pieces
from services.sample import Topic

BLOCK = re.compile(r"<documents>\n(.*?)\n</documents>", re.DOTALL)
DOCUMENT = re.compile(r"<document\b[^>\n]*>\n(.*?)\n</document>", re.DOTALL)
MOST_FACTS = 4


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

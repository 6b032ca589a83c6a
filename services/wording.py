"""What rules can decide about a text: its language and length, what it mentions, whether it is polite or safe."""

import functools
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from services import sample
from services.messages import Message

JAPANESE = re.compile(r"[぀-ヿ㐀-鿿々〆]")
LETTER = re.compile(r"[^\W\d_]")
ADDRESS = re.compile(r"https?://[^\s、。）」』]+")
WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
SENTENCE_END = re.compile(r"(?<=[.!?])[\"”')]*\s+|(?<=[。！？])[」』)）]*\s*|\n+")
# Neither begins in the middle of what it would take, so that a long answer takes no longer than another of its length.
TRAILING = re.compile(r"(?<![\s。．.!?！？」』)）\"”…])[\s。．.!?！？」』)）\"”…]+$")
NUMBERING = re.compile(r"^[^\S\n]*(?:\d+[.)]|[-*•・])\s*", re.MULTILINE)
POLITE_SHARE = 0.8


@dataclass(frozen=True)
class Finding:
    """What a rule found: whether the text passed, and why in plain words."""

    passed: bool
    reason: Message


def language(text: str) -> str | None:
    """“ja” or “en”; None when there are no letters. A foreign name inside does not change it."""
    text = ADDRESS.sub("", text)
    letters = len(LETTER.findall(text))
    if not letters:
        return None
    return "ja" if len(JAPANESE.findall(text)) > 0.3 * letters else "en"


def sentences(text: str) -> list[str]:
    """The sentences without list numbers; a line end ends a sentence too."""
    parts = SENTENCE_END.split(NUMBERING.sub("", text))
    return [part.strip() for part in parts if part and WORD.search(part)]


def words(text: str) -> int:
    """The number of words as English counts them; a run of Japanese counts as one."""
    return len(WORD.findall(text))


def plain(text: str) -> str:
    """Folded for comparison: width, case and blanks do not matter."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def length(text: str, shortest: int, longest: int) -> Finding:
    """Between `shortest` and `longest` characters, both included."""
    count = len(text.strip())
    if count < shortest:
        return Finding(
            False,
            Message("Too short: {count} characters, at least {limit} are asked for.", count=count, limit=shortest),
        )
    if count > longest:
        return Finding(
            False, Message("Too long: {count} characters, at most {limit} are allowed.", count=count, limit=longest)
        )
    return Finding(
        True,
        Message(
            "{count} characters, between {shortest} and {longest}.", count=count, shortest=shortest, longest=longest
        ),
    )


def mentions(text: str, phrase: str) -> Finding:
    """The phrase stands in the text; case and width do not matter."""
    if plain(phrase) in plain(text):
        return Finding(True, Message("It mentions “{phrase}”.", phrase=phrase))
    return Finding(False, Message("It does not mention “{phrase}”.", phrase=phrase))


def safe(text: str) -> Finding:
    """Free of the published word list; this is a word list, not an understanding of the text."""
    found = _found(text, sample.word_list())
    if found:
        return Finding(False, Message("The word list found “{word}”.", word=found[0]))
    return Finding(True, Message("Nothing of the word list was found."))


def polite(text: str) -> Finding:
    """Courteous expressions (English) or polite sentence endings (Japanese), and no rude words."""
    spoken = language(text)
    if spoken is None:
        return Finding(False, Message("It says nothing."))
    rude = _found(text, sample.courtesy(spoken).rude)
    if rude:
        return Finding(False, Message("It uses the rude expression “{word}”.", word=rude[0]))
    return _polite_endings(text) if spoken == "ja" else _courteous(text)


def _courteous(text: str) -> Finding:
    found = _found(text, sample.courtesy("en").courteous)
    if found:
        return Finding(True, Message("It uses the courteous expression “{word}”.", word=found[0]))
    return Finding(False, Message("It uses no courteous expression such as “please” or “thank you”."))


def _polite_endings(text: str) -> Finding:
    endings = sample.courtesy("ja").courteous
    said = [TRAILING.sub("", sentence) for sentence in sentences(text) if language(sentence) == "ja"]
    polite = sum(sentence.endswith(endings) for sentence in said)
    message = Message("{polite} of {all} sentences end politely (です・ます).", polite=polite, all=len(said))
    return Finding(bool(said) and polite >= POLITE_SHARE * len(said), message)


def _found(text: str, listed: Iterable[str]) -> list[str]:
    folded = plain(text)
    return [word for word in listed if _pattern(word).search(folded)]


@functools.cache
def _pattern(word: str) -> re.Pattern[str]:
    escaped = re.escape(plain(word))
    return re.compile(escaped if JAPANESE.search(word) else rf"(?<![a-z0-9]){escaped}(?![a-z0-9])")

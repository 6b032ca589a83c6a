"""Patterns that people write. RE2 reads them: its time grows with the text only, whatever the pattern is."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from services.messages import Message
from services.wording import Finding


def pattern(answer: str, settings: Mapping[str, Any]) -> Finding:
    """Whether the answer fits, or does not where that is wanted."""
    if not answer.strip():
        return Finding(False, Message("It says nothing."))
    written = str(settings["pattern"])
    fits = matches(written, answer, whole=bool(settings.get("whole")), ignore_case=bool(settings.get("ignore_case")))
    said = (
        Message("It fits the pattern “{pattern}”.", pattern=written)
        if fits
        else Message("It does not fit the pattern “{pattern}”.", pattern=written)
    )
    return Finding(fits is not bool(settings.get("forbidden")), said)


def matches(written: str, text: str, *, whole: bool = False, ignore_case: bool = False) -> bool:
    """Raises pyarrow's ArrowInvalid for a pattern that RE2 cannot read."""
    anchored = rf"\A(?:{written})\z" if whole else written
    return bool(pc.match_substring_regex(pa.scalar(text), pattern=anchored, ignore_case=ignore_case).as_py())


def problem_of_pattern(written: str) -> str | None:
    """What is wrong with a pattern, as the engine says it; None when it can be used."""
    try:
        matches(written, "")
    except pa.ArrowInvalid as error:
        return str(error).removeprefix("Invalid regular expression: ")
    return None

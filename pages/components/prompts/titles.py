"""How lists name a version: its number, with its title, else with the beginning of its note."""

from collections.abc import Iterable

from pages.components import session
from services.prompts import PromptVersion

LONGEST = 60
_ = session.text


def labels(found: Iterable[PromptVersion]) -> dict[int, str]:
    """The versions as a list to choose from shows them, in the order given."""
    return {one.version: label(one) for one in found}


def label(one: PromptVersion) -> str:
    """“version 3 — Warmer greeting (live)”; plain text, to be escaped where markdown is drawn."""
    title, note = short(one.title), short(one.note)
    if title:
        return (
            _("version {n} — {title} (live)", n=one.version, title=title)
            if one.live
            else _("version {n} — {title}", n=one.version, title=title)
        )
    if note:
        return (
            _("version {n}: {note} (live)", n=one.version, note=note)
            if one.live
            else _("version {n}: {note}", n=one.version, note=note)
        )
    return _("version {n} (live)", n=one.version) if one.live else _("version {n}", n=one.version)


def short(text: str, longest: int = LONGEST) -> str:
    """In one line."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"

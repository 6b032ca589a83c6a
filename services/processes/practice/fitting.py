"""Put an answer together and make it as long as asked: more sentences, fewer, or a cut as the last resort."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from services import wording
from services.processes.practice.instructions import Instructions
from services.processes.practice.limits import Range
from services.processes.practice.phrases import Phrases

LIMITLESS = Range()


@dataclass(frozen=True)
class Draft:
    """The parts of an answer before its form is settled; `spare` may be added, `short` may replace the body."""

    body: tuple[str, ...]
    steps: tuple[str, ...] = ()
    spare: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    short: str = ""


def fit(draft: Draft, instructions: Instructions, said: Phrases) -> str:
    """The first form that keeps every limit, from the fullest wording to the barest."""
    draft = _without_hidden(draft, instructions)
    texts = [write(form, instructions, said) for form in _forms(draft, instructions, said)]
    fitting = [text for text in texts if all(_keeps(text, unit, limit) for unit, limit in instructions.limits.items())]
    return fitting[0] if fitting else _cut(texts[-1], instructions)


@dataclass(frozen=True)
class Form:
    """One way to say it: these sentences in this order, as a list or not."""

    opening: tuple[str, ...]
    before: tuple[str, ...]
    body: tuple[str, ...]
    steps: tuple[str, ...]
    closing: tuple[str, ...]
    prefix: str = ""


def write(form: Form, instructions: Instructions, said: Phrases) -> str:
    """The form as text: lists on their own lines, everything else running."""
    opening = said["joiner"].join((*form.opening, *form.before, form.prefix)).strip()
    closing = said["joiner"].join(form.closing)
    listed = form.steps or (form.body if instructions.bullets else ())
    running = () if listed is form.body else form.body
    mark = "- {text}" if instructions.bullets and not instructions.steps else "{number}. {text}"
    lines = [mark.format(number=number, text=text) for number, text in enumerate(listed, 1)]
    head = said["joiner"].join(part for part in (opening, *running) if part)
    if not lines:
        return "\n".join(
            part
            for part in (said["joiner"].join(part for part in (head, closing) if part), instructions.sign_off)
            if part
        )
    return "\n".join(part for part in (head, *lines, closing, instructions.sign_off) if part)


def _forms(draft: Draft, instructions: Instructions, said: Phrases) -> Iterator[Form]:
    """Fuller first while something longer is asked, then ever shorter."""
    usual = _usual(draft, instructions, said)
    yield usual
    yield from _longer(usual, draft, said)
    yield from _shorter(usual, draft, instructions, said)


def _usual(draft: Draft, instructions: Instructions, said: Phrases) -> Form:
    steps = (
        draft.steps if instructions.steps and not instructions.short else draft.steps[:2] if instructions.steps else ()
    )
    body = draft.body[:1] if steps and not instructions.detailed else draft.body
    offer = (said["offer"],) if instructions.offer else ()
    return Form(_greeting(instructions, said), draft.before, body, steps, (*draft.after, *instructions.include, *offer))


def _greeting(instructions: Instructions, said: Phrases) -> tuple[str, ...]:
    """How the answer begins: the asked words, a tone, thanks, and whose support this is."""
    tone = [
        said[name] for name, asked in (("formal", instructions.formal), ("friendly", instructions.friendly)) if asked
    ]
    opening = ([instructions.opening] if instructions.opening else []) + tone
    if instructions.names_company and instructions.company:
        thanks = "thanks_company_short" if instructions.short else "thanks_company"
        name = thanks if instructions.courteous else "name_company"
        return (*opening, said.fill(name, company=instructions.company))
    return (*opening, *((said["thanks"],) if instructions.courteous else ()))


def _longer(usual: Form, draft: Draft, said: Phrases) -> Iterator[Form]:
    """Add what is known, then sentences that are always true."""
    body = usual.body
    for sentence in (*(fact for fact in draft.spare if fact not in body), *said.filler):
        body = (*body, sentence)
        yield replace(usual, body=body)


def _shorter(usual: Form, draft: Draft, instructions: Instructions, said: Phrases) -> Iterator[Form]:
    """Take away courtesy that was not asked for by name, then say the fact barely, the company as a prefix."""
    body = usual.body[:1]
    yield replace(usual, body=body)
    yield replace(usual, body=body, steps=usual.steps[:2])
    bare = replace(usual, opening=_bare_greeting(instructions, said), body=body, steps=usual.steps[:2])
    yield bare
    yield from _longer(bare, draft, said)
    yield from _barest(usual, draft, instructions, said)


def _barest(usual: Form, draft: Draft, instructions: Instructions, said: Phrases) -> Iterator[Form]:
    """The company as a prefix and every courtesy at its shortest, then one courtesy less each time."""
    prefix = f"{instructions.company}:" if instructions.names_company else ""
    opening = (instructions.opening,) if instructions.opening else ()
    first = _bodies(usual, draft, instructions, said)[:1]
    form = Form(opening, draft.before[:1], first, usual.steps[:2], usual.closing, prefix)
    yield form
    brief = replace(form, before=tuple(map(said.short, form.before)), closing=tuple(map(said.short, form.closing)))
    for fewer in (
        brief,
        replace(brief, before=()),
        replace(brief, closing=instructions.include),
        replace(brief, before=(), closing=instructions.include),
    ):
        for body in _bodies(usual, draft, instructions, said):
            yield replace(fewer, body=(body,))
            yield replace(fewer, body=(body,), steps=())


def _bodies(usual: Form, draft: Draft, instructions: Instructions, said: Phrases) -> tuple[str, ...]:
    """The fact, ever more barely; politely as long as that is asked for."""
    full, bare = usual.body[0], draft.short or usual.body[0]
    if instructions.courteous:
        return (said.fill("please_note", fact=full), said.fill("please_note", fact=bare), bare)
    return (full, bare)


def _bare_greeting(instructions: Instructions, said: Phrases) -> tuple[str, ...]:
    greeting = _greeting(instructions, said)
    return (*((instructions.opening,) if instructions.opening else ()), *greeting[-1:])


def _without_hidden(draft: Draft, instructions: Instructions) -> Draft:
    """Leave out every sentence that uses a forbidden word; when nothing is left, the bare fact stays."""

    def allowed(texts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(
            text for text in texts if not any(wording.mentions(text, term).passed for term in instructions.hide)
        )

    body = allowed(draft.body) or allowed(draft.spare) or allowed((draft.short,)) or draft.body
    return replace(
        draft, body=body, steps=allowed(draft.steps), spare=allowed(draft.spare), before=allowed(draft.before)
    )


def _keeps(text: str, unit: str, limit: Range) -> bool:
    count = {"characters": len(text), "words": wording.words(text), "sentences": len(wording.sentences(text))}[unit]
    return (limit.shortest or 0) <= count <= (limit.longest or count)


def _cut(text: str, instructions: Instructions) -> str:
    """Cut off what does not fit; only reached when the limits contradict the rest of the prompt."""
    limits = instructions.limits
    sentences = limits.get("sentences", LIMITLESS).longest
    if sentences and len(wording.sentences(text)) > sentences:
        text = " ".join(wording.sentences(text)[:sentences])
    words = limits.get("words", LIMITLESS).longest
    if words and wording.words(text) > words:
        text = text[: list(wording.WORD.finditer(text))[words - 1].end()] + "."
    characters = limits.get("characters", LIMITLESS).longest
    return text if not characters or len(text) <= characters else re.sub(r"\s+\S*$", "", text[: characters - 1]) + "…"

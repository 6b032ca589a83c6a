"""What a change of a prompt means for the people who use it: only what can be said for certain, in plain words."""

import functools
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services import wording
from services.interlocks.facts import Light
from services.messages import Message
from services.playground.calls import estimated_tokens
from services.prompts.audience import Audience
from services.prompts.content import Content
from services.prompts.difference import VARIABLE
from services.prompts.precedence import in_force

# A prompt that grows by this share and this many tokens is dearer in a way that people notice.
MUCH_LONGER, MANY_TOKENS = 0.25, 200
FEWEST_LETTERS = 20
LENGTH = re.compile(
    r"(?<![\d,])\d[\d,]{0,11}\s{0,3}(?:(?:characters?|words?|sentences?|paragraphs?|lines?|tokens?)\b|文字|字|語|文|行|段落)"
)
ORDER = [Light.RED, Light.AMBER, Light.GREEN]


@dataclass(frozen=True)
class Consequence:
    """One thing that follows from a change. Red: something fails. Amber: answers change. Green: good to know."""

    light: Light
    message: Message


def impact(old: Content, new: Content, audience: Audience) -> tuple[Consequence, ...]:
    """What would follow if `new` took the place of `old`, the gravest first."""
    rules = (_variables, _form, _format, _settings, _length, _language, _sayings)
    found = [one for rule in rules for one in rule(old, new, audience)]
    if not found and _reaching(old) == _reaching(new):
        found = [_green(Message("Nothing that reaches the model changes: people notice nothing."))]
    return tuple(sorted(found, key=lambda one: ORDER.index(one.light)))


def _variables(old: Content, new: Content, audience: Audience) -> Iterator[Consequence]:
    added, gone = new.variables - old.variables, old.variables - new.variables
    unfilled = added - audience.supplied
    if unfilled:
        yield _red(Message("New variable {names}: nothing fills it, so every agent would fail on every question.", names=_braces(unfilled)))  # fmt: skip
    for reader in audience.followers:
        late = reader.lacks(added - unfilled)
        if late and reader.weight:
            yield _red(Message("New variable {names}: the agent {agent}, which answers people now, was logged without it and would fail on every question. Log and release a new agent version first.", names=_braces(late), agent=reader.title))  # fmt: skip
    late = frozenset[str]().union(
        *(reader.lacks(added - unfilled) for reader in audience.followers if not reader.weight)
    )
    if late:
        yield _amber(Message("New variable {names}: an agent version that was logged without it would fail on every question. Release this version with an agent that was logged later.", names=_braces(late)))  # fmt: skip
    safe = added - unfilled - frozenset[str]().union(*(reader.lacks(added) for reader in audience.followers))
    if safe:
        yield _green(Message("New variable {names}: every agent fills it.", names=_braces(safe)))
    if gone:
        yield _amber(Message("No longer used: {names}. What it says no longer reaches the model.", names=_braces(gone)))
    if not added and not gone and new.variables:
        yield _green(Message("The variables stay the same."))


def _form(old: Content, new: Content, audience: Audience) -> Iterator[Consequence]:
    if old.is_chat != new.is_chat:
        yield _amber(
            Message("A text becomes chat messages: an agent that was made elsewhere may not be able to read them.")
            if new.is_chat
            else Message("Chat messages become a text: an agent that was made elsewhere may not be able to read it.")
        )
    if _asks(new) and not _asks(old):
        yield _amber(Message("A message of the prompt now takes the place of what the customer wrote last."))
    if _asks(old) and not _asks(new):
        yield _amber(Message("What the customer wrote last is sent as it is again, after the messages of the prompt."))


def _format(old: Content, new: Content, audience: Audience) -> Iterator[Consequence]:
    was, will = _fields(old.response_format), _fields(new.response_format)
    if not old.response_format and new.response_format:
        yield _red(Message("Answers become JSON instead of plain text: people in a chat would read JSON, and programs that expect text would not understand it."))  # fmt: skip
    elif old.response_format and not new.response_format:
        yield _red(Message("Answers become plain text instead of JSON: programs that read their fields would fail."))
    elif old.response_format != new.response_format:
        if gone := was.keys() - will.keys():
            yield _red(
                Message("Answers lose {names}: programs that read it would fail.", names=", ".join(sorted(gone)))
            )
        if other := {name for name in was.keys() & will.keys() if was[name] != will[name]}:
            yield _amber(Message("{names} of the answers is described differently: programs that read it may fail.", names=", ".join(sorted(other))))  # fmt: skip
        if come := will.keys() - was.keys():
            yield _amber(Message("Answers get {names} in addition.", names=", ".join(sorted(come))))
        if was == will:
            yield _amber(Message("The response format changes: check the programs that read the answers."))


def _settings(old: Content, new: Content, audience: Audience) -> Iterator[Consequence]:
    was, will = ({one.name: one.value for one in in_force(content.settings, audience.config)} for content in (old, new))
    for name, tell in SETTINGS.items():
        if was.get(name) != will.get(name):
            yield _amber(tell(was.get(name), will.get(name)))
    before, after = old.settings.stop_sequences, new.settings.stop_sequences
    if before != after:
        yield _amber(
            Message("Answers now end before {texts}.", texts=_quoted(after))
            if after
            else Message("Answers no longer end before {texts}.", texts=_quoted(before))
        )


def _model(old: Any, new: Any) -> Message:
    if old is None:
        return Message("The model becomes {new}; until now the agent chooses it.", new=new)
    if new is None:
        return Message("The agent chooses the model again; it was {old}.", old=old)
    return Message("Another model answers: {new} instead of {old}. What was evaluated with the old one says nothing about the new one.", new=new, old=old)  # fmt: skip


def _temperature(old: Any, new: Any) -> Message:
    if (told := _untold(Message("Temperature"), old, new)) is not None:
        return told
    if new > old:
        return Message("The temperature rises from {old} to {new}: answers vary more.", old=old, new=new)
    return Message("The temperature falls from {old} to {new}: answers vary less.", old=old, new=new)


def _most_tokens(old: Any, new: Any) -> Message:
    if (told := _untold(Message("Most tokens of an answer"), old, new)) is not None:
        return told
    if new < old:
        return Message("Answers are cut off after {new} tokens instead of {old}.", old=old, new=new)
    return Message("Answers may be longer, up to {new} tokens instead of {old}, and cost more.", old=old, new=new)


def _top_p(old: Any, new: Any) -> Message:
    if (told := _untold(Message("Top p"), old, new)) is not None:
        return told
    if new > old:
        return Message("Top p rises from {old} to {new}: the model chooses among more words.", old=old, new=new)
    return Message("Top p falls from {old} to {new}: the model chooses among fewer words.", old=old, new=new)


SETTINGS = {"model_name": _model, "temperature": _temperature, "max_tokens": _most_tokens, "top_p": _top_p}


def _untold(setting: Message, old: Any, new: Any) -> Message | None:
    """The sentence for two values that cannot be compared as numbers."""
    if old is None:
        return Message("{setting}: {new}; until now the agent or the model decides.", setting=setting, new=new)
    if new is None:
        return Message("{setting}: left to the agent or the model again; it was {old}.", setting=setting, old=old)
    if isinstance(old, int | float) and isinstance(new, int | float):
        return None
    return Message("{setting}: {new} instead of {old}.", setting=setting, old=old, new=new)


def _length(old: Content, new: Content, audience: Audience) -> Iterator[Consequence]:
    was, will = (sum(estimated_tokens(message.content) for message in one.messages) for one in (old, new))
    if will > was:
        much = will - was >= max(MANY_TOKENS, was * MUCH_LONGER)
        told = Message("Longer by about {n} tokens: each question costs that much more.", n=f"{will - was:,}")
        yield _amber(told) if much else _green(told)
    elif was > will:
        yield _green(Message("Shorter by about {n} tokens: each question costs that much less.", n=f"{was - will:,}"))


def _language(old: Content, new: Content, audience: Audience) -> Iterator[Consequence]:
    was, will = _spoken(old), _spoken(new)
    if None not in (was, will) and was != will:
        yield _amber(
            Message("The instructions are now in Japanese: check in which language it answers.")
            if will == "ja"
            else Message("The instructions are no longer in Japanese: check in which language it answers.")
        )


def _sayings(old: Content, new: Content, audience: Audience) -> Iterator[Consequence]:
    """What the old text says word for word and the new one does not: the company's name, lengths."""
    before, after = wording.plain(old.text), wording.plain(new.text)
    company = wording.plain(audience.company)
    if company and company in before and company not in after and "company_name" not in new.variables:
        yield _amber(Message("The text no longer names {company}.", company=audience.company))
    was, will = (dict.fromkeys(LENGTH.findall(text)) for text in (before, after))
    gone, come = [one for one in was if one not in will], [one for one in will if one not in was]
    if gone and come:
        yield _amber(Message("The text no longer says {old}; it says {new}.", old=_quoted(gone), new=_quoted(come)))
    elif gone:
        yield _amber(Message("The text no longer says {old}.", old=_quoted(gone)))


def _red(message: Message) -> Consequence:
    return Consequence(Light.RED, message)


def _amber(message: Message) -> Consequence:
    return Consequence(Light.AMBER, message)


def _green(message: Message) -> Consequence:
    return Consequence(Light.GREEN, message)


def _reaching(content: Content) -> tuple[Any, ...]:
    sent = {name: value for name, value in content.settings.to_json().items() if name not in content.settings.others}
    return content.messages, sent, content.response_format or None


def _asks(content: Content) -> bool:
    """Whether a chat prompt's own user message takes the question's place, as the agent decides it."""
    spoken = content.is_chat and any(message.role == "user" for message in content.messages)
    return spoken and "question" in content.variables


def _spoken(content: Content) -> str | None:
    return _language_of("\n".join(one.content for one in content.messages if one.role == "system"))


@functools.lru_cache(maxsize=64)
def _language_of(template: str) -> str | None:
    """Of the words around the variables; a page asks for the same few texts at every click."""
    text = VARIABLE.sub("", template)
    return wording.language(text) if len(wording.LETTER.findall(text)) >= FEWEST_LETTERS else None


def _fields(schema: Mapping[str, Any] | None) -> dict[str, Any]:
    """The fields of the answers with their description; nothing where the schema is built in another way."""
    inner: Any = schema or {}
    for name in ("json_schema", "schema"):
        inner = inner[name] if isinstance(inner.get(name), dict) else inner
    fields = inner.get("properties")
    return dict(fields) if isinstance(fields, dict) else {}


def _braces(names: Collection[str]) -> str:
    shown = [name if len(name) <= 40 else name[:40] + "…" for name in sorted(names)[:30]]
    return ", ".join("{{" + name + "}}" for name in shown)


def _quoted(texts: Collection[str]) -> str:
    """In one line, whatever line ends they hold."""
    return ", ".join(f"“{text[:40]}”" for text in list(texts)[:5]).replace("\n", "↵")

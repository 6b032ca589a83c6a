"""What MLflow would accept and an operator would regret, refused before the registry sees it."""

import json
import re

from services.apps.form import RESERVED_VARIABLES
from services.errors import InvalidInputError
from services.jsons import parsed
from services.messages import Message
from services.prompts.content import ROLES, Content, ModelSettings, is_label
from services.prompts.difference import VARIABLE

LONGEST = 100_000
LONGEST_LABEL = 200
MOST_MESSAGES = 50
# Bounded, so that a hostile text takes no longer than another of its length.
# What a database refuses, or no screen can be sent: half of a character, and the sign that ends texts in C.
UNKEPT = re.compile("[\0\ud800-\udfff]")
BRACES = re.compile(r"\{\{([^{}]{0,200})\}\}")


def check(content: Content | str) -> None:
    """Raise InvalidInputError for a text, a chat, settings, a response format or labels that cannot be saved."""
    content = Content(content) if isinstance(content, str) else content
    _check_messages(content)
    for message in content.messages:
        _check_text(message.content)
    _check_settings(content.settings)
    _check_size(content)
    for label, value in content.labels.items():
        if not is_label(label):
            raise InvalidInputError(
                Message("“{label}” cannot be a label: MLflow or this console uses that name.", label=label[:60]),
                Message("Give the label another name."),
            )
        if len(value) > LONGEST_LABEL:
            raise InvalidInputError(
                Message("The label “{label}” has {n} characters; {limit} are allowed.", label=label, n=len(value), limit=LONGEST_LABEL),
                Message("Shorten it; a longer explanation belongs into the note."),
            )  # fmt: skip


def parse_response_format(text: str) -> dict[str, object] | None:
    """The JSON schema that a person typed; None for an empty field. Raises InvalidInputError."""
    if not text.strip():
        return None
    try:
        schema = parsed(text)
    except ValueError as error:
        raise InvalidInputError(
            Message("The response format is not valid JSON: {reason}.", reason=str(error)),
            Message("Write a JSON schema, or leave the field empty for an answer in plain text."),
        ) from error
    if not isinstance(schema, dict) or not schema:
        raise InvalidInputError(
            Message("The response format is not a JSON schema."),
            Message("It begins with {example}.", example='{"type": "object", "properties": …}'),
        )
    return schema


def _check_messages(content: Content) -> None:
    if not any(message.content.strip() for message in content.messages):
        raise InvalidInputError(Message("The prompt is empty."), Message("Write what the assistant is told."))
    if len(content.messages) > MOST_MESSAGES:
        raise InvalidInputError(
            Message("The prompt has {n} messages; {limit} are allowed.", n=len(content.messages), limit=MOST_MESSAGES),
            Message("Put examples that belong together into one message."),
        )
    for position, message in enumerate(content.messages, 1):
        if message.role not in ROLES:
            raise InvalidInputError(
                Message("Message {n} has the role “{role}”, which the agent does not send.", n=position, role=message.role[:40]),
                Message("Choose one of: {roles}.", roles=", ".join(ROLES)),
            )  # fmt: skip
        if not message.content.strip():
            raise InvalidInputError(
                Message("Message {n} is empty.", n=position), Message("Write it, or take the message out.")
            )


def _check_size(content: Content) -> None:
    """The registry's limit counts what it stores: a chat as JSON, where a Japanese character takes six."""
    held, schema = content.registered, dict(content.response_format or {})
    length = len(held) if isinstance(held, str) else len(json.dumps(held))
    if length > LONGEST:
        raise InvalidInputError(
            Message("The prompt has {n} characters; {limit} are allowed.", n=length, limit=LONGEST),
            Message("Shorten it, or move long material into a document."),
        )
    if (length := len(json.dumps(schema))) > LONGEST:
        raise InvalidInputError(
            Message("The response format has {n} characters; {limit} are allowed.", n=length, limit=LONGEST),
            Message("Shorten it: leave out descriptions and examples."),
        )


def _check_text(text: str) -> None:
    if found := UNKEPT.search(text):
        raise InvalidInputError(
            Message("The text holds a character that cannot be kept, after {n} others.", n=found.start()),
            Message("Delete it: it comes from damaged data, and no model reads it."),
        )
    for mark in ("{%", "%}"):
        if mark in text:
            raise InvalidInputError(
                Message("“{mark}” switches the registry to another template language.", mark=mark),
                Message("Write the text without it; only variables in double braces are filled in."),
            )
    for inside in BRACES.findall(text):
        if not VARIABLE.fullmatch("{{" + inside + "}}") or inside.strip() in RESERVED_VARIABLES:
            raise InvalidInputError(
                Message(
                    "“{name}” cannot be a variable; it would reach the model as it is written.",
                    name=inside.strip()[:40],
                ),
                Message("Use letters, digits and underscores, such as {example}.", example="{{company_name}}"),
            )
    rest = BRACES.sub("", text)
    if "{{" in rest or ("}}" in rest and not _nested(rest)):
        raise InvalidInputError(
            Message("A pair of double braces is not closed."),
            Message("Write each variable as {example}.", example="{{company_name}}"),
        )


def _nested(text: str) -> bool:
    """Whether every brace has its partner, as in an example of JSON that ends with two of them."""
    depth = 0
    for brace in re.findall(r"[{}]", text):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            return False
    return depth == 0


def _check_settings(settings: ModelSettings) -> None:
    limits = (("temperature", 0, 2), ("top_p", 0, 1), ("max_tokens", 1, 1_000_000))
    stored = settings.to_json()
    for name, least, most in limits:
        value = stored.get(name)
        if value is not None and (not isinstance(value, int | float) or not least <= value <= most):
            raise InvalidInputError(
                Message("{name} is {value}; it must be between {least} and {most}.", name=name, value=value, least=least, most=most),
                Message("Correct it, or leave it empty so that the agent's own setting is used."),
            )  # fmt: skip

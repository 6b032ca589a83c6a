"""What MLflow would accept and an operator would regret, refused before the registry sees it."""

import json
import re

from services.errors import InvalidInputError
from services.messages import Message
from services.prompts.content import ROLES, Content, ModelSettings
from services.prompts.difference import VARIABLE

LONGEST = 100_000
LONGEST_LABEL = 200
MOST_MESSAGES = 50
BRACES = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


def check(content: Content | str) -> None:
    """Raise InvalidInputError for a text, a chat, settings, a response format or labels that cannot be saved."""
    content = Content(content) if isinstance(content, str) else content
    _check_messages(content)
    for message in content.messages:
        _check_text(message.content)
    _check_settings(content.settings)
    for label, value in content.labels.items():
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
        schema = json.loads(text)
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
    if (length := sum(len(message.content) for message in content.messages)) > LONGEST:
        raise InvalidInputError(
            Message("The prompt has {n} characters; {limit} are allowed.", n=length, limit=LONGEST),
            Message("Shorten it, or move long material into a document."),
        )
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


def _check_text(text: str) -> None:
    for mark in ("{%", "%}"):
        if mark in text:
            raise InvalidInputError(
                Message("“{mark}” switches the registry to another template language.", mark=mark),
                Message("Write the text without it; only variables in double braces are filled in."),
            )
    for inside in BRACES.findall(text):
        if not VARIABLE.fullmatch("{{" + inside + "}}"):
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
    for name, least, most in limits:
        value = getattr(settings, name)
        if value is not None and not least <= value <= most:
            raise InvalidInputError(
                Message("{name} is {value}; it must be between {least} and {most}.", name=name, value=value, least=least, most=most),
                Message("Correct it, or leave it empty so that the agent's own setting is used."),
            )  # fmt: skip

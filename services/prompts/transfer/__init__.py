"""Bring prompts in from other tools and take them out again; nothing is written before it was shown."""

import re
from typing import TYPE_CHECKING, Any

from services import prompts
from services.errors import InvalidInputError
from services.jsons import parsed
from services.messages import Message
from services.prompts.transfer import langchain, langfuse, openai, own
from services.prompts.transfer.parcel import Incoming, IncomingPrompt, Parcel, unreadable
from services.prompts.transfer.plan import Fate, Plan, PlannedPrompt, PlannedVersion, plan, write

if TYPE_CHECKING:
    from services.workspace import Workspace

__all__ = [
    "Fate",
    "Incoming",
    "IncomingPrompt",
    "Parcel",
    "Plan",
    "PlannedPrompt",
    "PlannedVersion",
    "export",
    "plan",
    "read",
    "write",
]

LARGEST = 20_000_000
OWN_YAML = re.compile(rf"^{own.MARK}\s*:", re.MULTILINE)


def export(workspace: "Workspace", names: list[str] | None = None, as_json: bool = False) -> str:
    """These prompts, or all of the app but those in the trash, with every version, as YAML or JSON."""
    kept = [name for name, tags in prompts.every_name(workspace).items() if prompts.TRASH_TAG not in tags]
    return own.export(workspace, kept if names is None else names, as_json)


def read(data: bytes | str) -> Parcel:
    """The prompts in a file or in a pasted text, whichever tool it came from; raises InvalidInputError."""
    text = _decoded(data)
    try:
        return _read(text)
    except (
        AttributeError,
        IndexError,
        KeyError,
        TypeError,
        ValueError,
        OverflowError,
        RecursionError,
        MemoryError,
    ) as error:
        # The parts of other tools' files are taken as they should be: what is of another shape ends here.
        raise unreadable(f"{type(error).__name__}: {error}") from error


def _read(text: str) -> Parcel:
    if OWN_YAML.search(text):
        return _recognised(own.load(text))
    code = openai.from_code(text)
    if code is not None:
        return openai.read(code)
    if not text.lstrip().startswith(("{", "[")):
        return Parcel("text", (IncomingPrompt("", (Incoming(text.strip("\r\n")),)),))
    try:
        stored = parsed(text)
    except ValueError as error:
        # A prompt may begin with a variable: what is no JSON is taken as the text it is.
        if text.lstrip().startswith("{{"):
            return Parcel("text", (IncomingPrompt("", (Incoming(text.strip("\r\n")),)),))
        raise unreadable(str(error)) from error
    return _recognised(stored)


def _recognised(stored: Any) -> Parcel:
    """The first format that the data has the shape of."""
    if isinstance(stored, dict) and own.MARK in stored:
        return own.read(stored)
    listed = stored.get("data", [stored]) if isinstance(stored, dict) else stored
    if langfuse.is_mine(listed):
        return langfuse.read(listed)
    if langfuse.is_list_without_texts(listed):
        raise InvalidInputError(
            Message("This is Langfuse's list of prompts, which leaves out their texts."),
            Message("Export each prompt by its name and version, and put the answers into one list."),
        )
    if langchain.manifests(stored):
        return langchain.read(stored)
    if openai.is_mine(stored):
        return openai.read(stored)
    raise InvalidInputError(
        Message("The file is JSON, but not of a tool that is known here."),
        Message("Known are OpenAI, Langfuse, LangSmith and the console's own files. Or paste only the prompt's text."),
    )


def _decoded(data: bytes | str) -> str:
    if len(data) > LARGEST:
        raise InvalidInputError(
            Message("The file has {n} MB; {limit} MB are allowed.", n=f"{len(data) / 1e6:.1f}", limit=LARGEST // 1_000_000),
            Message("Export fewer prompts at a time."),
        )  # fmt: skip
    try:
        text = data if isinstance(data, str) else data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise unreadable("it is not text in UTF-8") from error
    if not text.strip():
        raise InvalidInputError(Message("There is nothing to import."), Message("Paste a prompt or choose a file."))
    return text

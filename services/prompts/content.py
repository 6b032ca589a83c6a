"""What a prompt version holds: a text or chat messages, how the model is called, the shape of the answer, labels."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from services.prompts.difference import variables

ROLES = ("system", "user", "assistant")
TITLE = "title"
AUTHOR_TAG = "author"
# Who wrote an imported version, and when, in the words of its file.
ORIGIN_TAGS = ("original_author", "original_time")
LONGEST_ORIGIN = 200
LABELS = ("use_case", "department", "language", "version_type")
# Tags of these names are the registry's, the console's, or say who wrote the version: no label may be called so.
RESERVED = ("mlflow.", "_mlflow_", "signalbox.")


@dataclass(frozen=True)
class ChatMessage:
    """One message of a chat prompt; `role` is one of ROLES."""

    role: str
    content: str


Template = str | tuple[ChatMessage, ...]


@dataclass(frozen=True)
class ModelSettings:
    """How the model is called, in the registry's own names; what is None is left to the agent.

    `others` are settings that another tool stored: they are kept with the version and not sent to the model.
    """

    model_name: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    stop_sequences: tuple[str, ...] = ()
    others: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Only what is set, as MLflow's `model_config` of a prompt version."""
        named = {name: value for name, value in asdict(self).items() if name != "others" and value not in (None, ())}
        if self.stop_sequences:
            named["stop_sequences"] = list(self.stop_sequences)
        return dict(self.others) | named

    @classmethod
    def from_json(cls, stored: Mapping[str, Any] | None) -> "ModelSettings":
        stored = dict(stored or {})
        stop = tuple(stored.pop("stop_sequences", None) or ())
        named = {name: stored.pop(name, None) for name in ("model_name", "temperature", "max_tokens", "top_p")}
        return cls(**named, stop_sequences=stop, others=stored)


@dataclass(frozen=True)
class Origin:
    """Who wrote an imported version before it came here, and when; what the file did not say is empty."""

    author: str = ""
    time: str = ""

    @property
    def tags(self) -> dict[str, str]:
        return {
            tag: said[:LONGEST_ORIGIN] for tag, said in zip(ORIGIN_TAGS, (self.author, self.time), strict=True) if said
        }

    @property
    def at(self) -> datetime | None:
        """The time; None for one that cannot be read as ISO 8601. Without a zone it is UTC."""
        try:
            time = datetime.fromisoformat(self.time)
        except ValueError:
            return None
        return time if time.tzinfo else time.replace(tzinfo=UTC)

    @classmethod
    def of(cls, tags: Mapping[str, str]) -> "Origin | None":
        author, time = (tags.get(tag, "") for tag in ORIGIN_TAGS)
        return cls(author, time) if author or time else None


@dataclass(frozen=True)
class Content:
    """Everything an author writes in one version; `response_format` is a JSON schema, `labels` are version tags."""

    template: Template
    settings: ModelSettings = ModelSettings()
    response_format: Mapping[str, Any] | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_chat(self) -> bool:
        return not isinstance(self.template, str)

    @property
    def messages(self) -> tuple[ChatMessage, ...]:
        """The messages of a chat prompt; a text prompt is one system message, as the agent sends it."""
        return (ChatMessage("system", self.template),) if isinstance(self.template, str) else self.template

    @property
    def text(self) -> str:
        """The template as one text to read and compare."""
        if isinstance(self.template, str):
            return self.template
        return "\n\n".join(f"{message.role}:\n{message.content}" for message in self.template)

    @property
    def registered(self) -> str | list[dict[str, str]]:
        """The template as the registry takes it."""
        return self.template if isinstance(self.template, str) else [asdict(message) for message in self.template]

    @property
    def variables(self) -> frozenset[str]:
        return variables("\n".join(message.content for message in self.messages))

    @property
    def title(self) -> str:
        return self.labels.get(TITLE, "")

    def to_json(self) -> dict[str, Any]:
        return {
            "template": self.registered,
            "settings": self.settings.to_json(),
            "response_format": dict(self.response_format) if self.response_format else None,
            "labels": dict(self.labels),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Content":
        return cls(
            as_template(stored["template"]),
            ModelSettings.from_json(stored.get("settings")),
            stored.get("response_format") or None,
            {key: value for key, value in (stored.get("labels") or {}).items() if key not in ORIGIN_TAGS},
        )


def is_label(tag: str) -> bool:
    """Whether a version tag is a label that people set."""
    return tag not in (AUTHOR_TAG, *ORIGIN_TAGS) and not tag.startswith(RESERVED)


def as_template(stored: str | list[dict[str, Any]]) -> Template:
    """A template from the registry, from a draft or from a file."""
    if isinstance(stored, str):
        return stored
    return tuple(ChatMessage(str(one["role"]), _plain(one["content"])) for one in stored)


def _plain(content: Any) -> str:
    """A message's text; other tools may store parts instead of a string, which are shown as they are."""
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)

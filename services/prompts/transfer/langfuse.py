"""Prompts as Langfuse's API and its exports give them: text or chat, one object a version."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from services.messages import Message
from services.prompts.transfer.parcel import Incoming, IncomingPrompt, Parcel, messages, settings

NAMES = {"model": "model_name", "maxTokens": "max_tokens", "max_output_tokens": "max_tokens", "stop": "stop_sequences"}
REFERENCE = "@@@langfusePrompt:"


def is_mine(stored: Any) -> bool:
    return isinstance(stored, list) and bool(stored) and all(_is_version(one) for one in stored)


def is_list_without_texts(stored: Any) -> bool:
    """The answer of the listing call, which names versions without their texts."""
    return isinstance(stored, list) and any(isinstance(one, Mapping) and "lastUpdatedAt" in one for one in stored)


def read(stored: list[Mapping[str, Any]]) -> Parcel:
    ordered = sorted(stored, key=lambda one: (str(one["name"]), int(one.get("version") or 0)))
    grouped = groupby(ordered, key=lambda one: str(one["name"]))
    return Parcel("Langfuse", tuple(IncomingPrompt(name, tuple(map(_version, found))) for name, found in grouped))


def _is_version(one: Any) -> bool:
    return isinstance(one, Mapping) and "name" in one and isinstance(one.get("prompt"), str | list)


def _version(stored: Mapping[str, Any]) -> Incoming:
    text = stored["prompt"]
    template, left_out = messages(text) if isinstance(text, list) else (text, ())
    config = dict(stored.get("config") or {})
    schema = config.pop("json_schema", None) or config.pop("response_format", None)
    if REFERENCE in str(text):
        left_out = (
            *left_out,
            Message("A part is taken from another prompt (“{mark}…”); write it out.", mark=REFERENCE),
        )
    labels = {"environment": ", ".join(map(str, stored.get("labels") or ())), "tags": ", ".join(map(str, stored.get("tags") or ()))}  # fmt: skip
    return Incoming(
        template=template,
        settings=settings(config, NAMES),
        response_format=schema if isinstance(schema, dict) else None,
        labels={key: value for key, value in labels.items() if value},
        note=str(stored.get("commitMessage") or ""),
        author=str(stored.get("createdBy") or ""),
        written_at=str(stored.get("createdAt") or ""),
        number=int(stored["version"]) if stored.get("version") else None,
        left_out=left_out,
    )

"""Prompts: write versions, read their history, see what a change means."""

from services.prompts.checks import check
from services.prompts.content import AUTHOR_TAG, ChatMessage, Content, ModelSettings, Origin
from services.prompts.difference import Piece, PromptChange, difference, render, variables
from services.prompts.saving import check_name, label, save
from services.prompts.versions import (
    APP_TAG,
    ARCHIVE_TAG,
    TRASH_TAG,
    PromptVersion,
    aliases,
    every_name,
    every_version,
    from_mlflow,
    history,
    live,
    names,
    version,
)

__all__ = [
    "APP_TAG",
    "ARCHIVE_TAG",
    "AUTHOR_TAG",
    "TRASH_TAG",
    "ChatMessage",
    "Content",
    "ModelSettings",
    "Origin",
    "Piece",
    "PromptChange",
    "PromptVersion",
    "aliases",
    "check",
    "check_name",
    "difference",
    "every_name",
    "every_version",
    "from_mlflow",
    "history",
    "label",
    "live",
    "names",
    "render",
    "save",
    "variables",
    "version",
]

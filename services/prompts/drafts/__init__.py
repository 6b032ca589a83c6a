"""Drafts: what a person has written and not saved yet, kept at every pause so that no word is lost."""

from services.prompts.drafts.keeping import LARGEST, discard, drop, drop_aside, forget, keep, set_aside
from services.prompts.drafts.records import Aside, Draft, Writer, all, mine, others
from services.prompts.drafts.saving import save

__all__ = [
    "LARGEST",
    "Aside",
    "Draft",
    "Writer",
    "all",
    "discard",
    "drop",
    "drop_aside",
    "forget",
    "keep",
    "mine",
    "others",
    "save",
    "set_aside",
]

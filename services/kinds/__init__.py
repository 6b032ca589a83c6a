"""Every kind of agent that MLflow logs, asked with one kind of request and answering in one form: a ResponsesAgent's."""

from services.kinds.answers import answer_text
from services.kinds.asked import AskedAgent, load
from services.kinds.facts import Kind, kind_of
from services.kinds.fields import CONVERSATION, QUESTION, Field, Fields, fields_of
from services.kinds.python import FORM_KEY, fits
from services.kinds.refusal import Misfit
from services.kinds.steps import ToolStep, approvals, responses, steps, tool

__all__ = [
    "CONVERSATION",
    "FORM_KEY",
    "QUESTION",
    "AskedAgent",
    "Field",
    "Fields",
    "Kind",
    "Misfit",
    "ToolStep",
    "answer_text",
    "approvals",
    "fields_of",
    "fits",
    "kind_of",
    "load",
    "responses",
    "steps",
    "tool",
]

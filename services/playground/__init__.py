"""The playground: versions of a prompt side by side on the same questions, straight from the model."""

from services.playground.answer import Now, State
from services.playground.calls import SECONDS, app_model, arguments, assembled, finished
from services.playground.desk import MOST_VARIANTS, Desk, Question, Slot, copy, first, keep, kept, opened, slot, typed
from services.playground.prices import price
from services.playground.quick import check_model, stream
from services.playground.reach import Reach, ask_again, reach
from services.playground.runs import Run, asked_with, cancel, find, latest, missing, retry, start
from services.playground.saving import save
from services.playground.sources import add_to_dataset, newest_traces, of_rows, of_trace
from services.playground.variants import MOST_CELLS, Blocker, Variant, blockers, resolve, same, unfilled

__all__ = [
    "MOST_CELLS",
    "MOST_VARIANTS",
    "SECONDS",
    "Blocker",
    "Desk",
    "Now",
    "Question",
    "Reach",
    "Run",
    "Slot",
    "State",
    "Variant",
    "add_to_dataset",
    "app_model",
    "arguments",
    "ask_again",
    "asked_with",
    "assembled",
    "blockers",
    "cancel",
    "check_model",
    "copy",
    "find",
    "finished",
    "first",
    "keep",
    "kept",
    "latest",
    "missing",
    "newest_traces",
    "of_rows",
    "of_trace",
    "opened",
    "price",
    "reach",
    "resolve",
    "retry",
    "same",
    "save",
    "slot",
    "start",
    "stream",
    "typed",
    "unfilled",
]

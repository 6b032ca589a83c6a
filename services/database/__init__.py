"""The console's own store (SQLAlchemy Core, one URL): its tables, how to reach it, how to bring it up to date."""

from services.database.alerting import alert, alert_look
from services.database.alone import Alone
from services.database.connection import connect, file_of, new_id, writing
from services.database.events import event_log
from services.database.holds import holds
from services.database.reviewing import review_item, review_queue, review_turn
from services.database.signing_in import ended_sign_in, person
from services.database.tables import (
    app,
    comment,
    draft,
    job,
    metadata,
    now,
    preference,
    prompt_entry,
    prompt_index,
    prompt_label,
    prompt_words,
    release,
    served,
    setting,
    step,
)
from services.database.upgrade import migrate

__all__ = [
    "Alone",
    "alert",
    "alert_look",
    "app",
    "comment",
    "connect",
    "draft",
    "ended_sign_in",
    "event_log",
    "file_of",
    "holds",
    "job",
    "metadata",
    "migrate",
    "new_id",
    "now",
    "person",
    "preference",
    "prompt_entry",
    "prompt_index",
    "prompt_label",
    "prompt_words",
    "release",
    "review_item",
    "review_queue",
    "review_turn",
    "served",
    "setting",
    "step",
    "writing",
]

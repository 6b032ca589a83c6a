"""The table of the audit log: appended only, which the migrations guard; found by who, what, where, when and how it ended."""

from sqlalchemy import JSON, Column, Index, Integer, String, Table, Text

from services.database.tables import UtcDateTime, metadata

event_log = Table(
    "event",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("app_id", String(63), nullable=False, index=True),
    Column("actor", String(254), nullable=False),
    Column("verb", String(63), nullable=False),
    Column("subject", Text, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("intent_id", Integer, index=True),
    Column("before", JSON),
    Column("after", JSON),
    Column("why", Text, nullable=False, default=""),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Index("event_at", "at"),
    Index("event_of_app", "app_id", "at"),
    Index("event_of_actor", "actor", "at"),
    Index("event_of_verb", "verb", "at"),
    # PostgreSQL sorts by a language, in which no beginning can be found.
    Index("event_of_subject", "subject", "at", postgresql_ops={"subject": "text_pattern_ops"}),
    Index("event_of_outcome", "outcome", "at"),
)

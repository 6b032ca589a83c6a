"""The tables of the review desk: which answers wait for people, and whose turn it is."""

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Integer, String, Table, Text, UniqueConstraint

from services.database.tables import UtcDateTime, metadata, now

review_queue = Table(
    "review_queue",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("app_id", String(63), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("rule", JSON, nullable=False),
    Column("labels", JSON, nullable=False),
    Column("reviewers", JSON, nullable=False),
    Column("referee", String(254), nullable=False, default=""),
    Column("seats", Integer, nullable=False),
    Column("blind", Boolean, nullable=False),
    Column("actor", String(254), nullable=False),
    Column("created_at", UtcDateTime, nullable=False, default=now),
    Column("looked_at", UtcDateTime),
    Column("closed_at", UtcDateTime),
)

review_item = Table(
    "review_item",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("queue_id", ForeignKey("review_queue.id"), nullable=False),
    # Traces of Unity Catalog name their tables; SQLite holds what is longer anyway.
    Column("trace_id", String(64).with_variant(String(512), "postgresql"), nullable=False),
    Column("settled", String(8)),
    UniqueConstraint("queue_id", "trace_id"),
)

# One person's turn at one answer: `seat` 1 and 2 are reviewers, 3 the referee; a skipped answer leaves its seat free.
# `marks` names the assessments in MLflow, which hold what was said.
review_turn = Table(
    "review_turn",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("item_id", ForeignKey("review_item.id"), nullable=False),
    Column("actor", String(254), nullable=False),
    Column("seat", Integer),
    Column("state", String(8), nullable=False),
    Column("until", UtcDateTime),
    Column("marks", JSON, nullable=False),
    Column("why", Text, nullable=False, default=""),
    Column("at", UtcDateTime, nullable=False, default=now),
    UniqueConstraint("item_id", "actor"),
    UniqueConstraint("item_id", "seat"),
)

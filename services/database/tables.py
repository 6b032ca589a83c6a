"""The tables: what was decided, and the work in flight. A change here needs a script in `services/migrations`."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

metadata = MetaData()


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC datetimes on every database; SQLite forgets the zone, so it is put back when read."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


def now() -> datetime:
    return datetime.now(UTC)


app = Table(
    "app",
    metadata,
    Column("id", String(63), primary_key=True),
    Column("experiment_id", String(64), nullable=False, unique=True),
    Column("archived", Boolean, nullable=False, default=False),
    Column("sample", Boolean, nullable=False, default=False),
    Column("created_at", UtcDateTime, nullable=False, default=now),
)

setting = Table(
    "setting",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("app_id", String(63), nullable=False),
    Column("key", String(63), nullable=False),
    Column("version", Integer, nullable=False),
    Column("value", JSON, nullable=False),
    Column("actor", String(254), nullable=False),
    Column("created_at", UtcDateTime, nullable=False, default=now),
    UniqueConstraint("app_id", "key", "version"),
)

release = Table(
    "release",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("app_id", String(63), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("moves", JSON, nullable=False),
    Column("why", Text, nullable=False, default=""),
    Column("actor", String(254), nullable=False),
    Column("job_id", Integer),
    Column("findings", JSON),
    Column("checked_at", UtcDateTime),
    Column("proof", JSON),
    Column("error", JSON),
    Column("revision", Integer, nullable=False, default=1),
    Column("created_at", UtcDateTime, nullable=False, default=now),
    Column("ended_at", UtcDateTime),
)

step = Table(
    "step",
    metadata,
    Column("release_id", ForeignKey("release.id"), primary_key=True),
    Column("name", String(16), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("handle", JSON),
    Column("detail", JSON),
    Column("started_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
)

job = Table(
    "job",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String(63), nullable=False),
    Column("app_id", String(63), nullable=False, index=True),
    Column("args", JSON, nullable=False),
    Column("actor", String(254), nullable=False),
    Column("groups", JSON),
    Column("state", String(16), nullable=False),
    Column("exclusive", String(254)),
    Column("every", Integer),
    Column("due_at", UtcDateTime, nullable=False, default=now),
    Column("attempt", Integer, nullable=False, default=0),
    Column("lease_until", UtcDateTime),
    Column("cancel", Boolean, nullable=False, default=False),
    Column("done", Integer, nullable=False, default=0),
    Column("total", Integer, nullable=False, default=0),
    Column("note", JSON),
    Column("checkpoint", JSON, nullable=False),
    Column("result", JSON, nullable=False),
    Column("error", JSON),
    Column("remedy", JSON),
    Column("created_at", UtcDateTime, nullable=False, default=now),
    Column("started_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Index("job_queue", "state", "due_at"),
)

# One live job per exclusive key: a double click or a second operator finds the first job instead of starting another.
Index(
    "job_exclusive",
    job.c.exclusive,
    unique=True,
    sqlite_where=job.c.state.in_(["queued", "running"]),
    postgresql_where=job.c.state.in_(["queued", "running"]),
)

draft = Table(
    "draft",
    metadata,
    Column("app_id", String(63), primary_key=True),
    Column("actor", String(254), primary_key=True),
    Column("subject", String(254), primary_key=True),
    Column("value", JSON, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False, default=now),
)

comment = Table(
    "comment",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("app_id", String(63), nullable=False, index=True),
    Column("subject", String(254), nullable=False, index=True),
    Column("actor", String(254), nullable=False),
    Column("text", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False, default=now),
)

# Two evaluations in the order of their ids; `choice` is first, second or same.
preference = Table(
    "preference",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("app_id", String(63), nullable=False),
    Column("first_run", String(64), nullable=False),
    Column("second_run", String(64), nullable=False),
    Column("row_id", String(64), nullable=False),
    Column("actor", String(254), nullable=False),
    Column("choice", String(8), nullable=False),
    Column("created_at", UtcDateTime, nullable=False, default=now),
    UniqueConstraint("app_id", "first_run", "second_run", "row_id", "actor"),
)

served = Table(
    "served",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("app_id", String(63), nullable=False, index=True),
    Column("endpoint", String(63), nullable=False),
    Column("version", Integer, nullable=False),
    Column("model_id", String(64), nullable=False),
    Column("experiment_id", String(64), nullable=False),
    Column("weight", Integer, nullable=False, default=0),
    Column("wanted", String(8), nullable=False),
    Column("state", String(16), nullable=False),
    Column("pid", Integer),
    Column("port", Integer),
    Column("error", Text),
    Column("environment", JSON, nullable=False),
    Column("model_config", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False, default=now),
    Column("ready_at", UtcDateTime),
    Column("asked_at", UtcDateTime),
    Column("seconds_to_ready", Float),
    Column("revision", Integer, nullable=False, default=1),
    Column("shadow", Integer, nullable=False, default=0, server_default="0"),
    Column("copied", Integer, nullable=False, default=0, server_default="0"),
    Column("dropped", Integer, nullable=False, default=0, server_default="0"),
    UniqueConstraint("endpoint", "version"),
)

# What follows is derived from MLflow and may be deleted: `prompts.library.rebuild` fills it again.
prompt_index = Table(
    "prompt_index",
    metadata,
    Column("app_id", String(63), primary_key=True),
    Column("event_id", Integer, nullable=False),
    Column("looked_at", UtcDateTime, nullable=False),
)

prompt_entry = Table(
    "prompt_entry",
    metadata,
    Column("app_id", String(63), primary_key=True),
    Column("name", String(256), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("looked_at", UtcDateTime, nullable=False),
    Column("read_at", UtcDateTime),
    Column("archived", Boolean, nullable=False),
    Column("trashed", Boolean, nullable=False),
    Column("live", Integer),
    Column("newest", Integer),
    Column("title", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("written_at", UtcDateTime),
)

prompt_label = Table(
    "prompt_label",
    metadata,
    Column("app_id", String(63), primary_key=True),
    Column("name", String(256), primary_key=True),
    Column("key", String(250), primary_key=True),
    Column("value", Text, nullable=False),
)

prompt_words = Table(
    "prompt_words",
    metadata,
    Column("app_id", String(63), primary_key=True),
    Column("name", String(256), primary_key=True),
    Column("words", Text, nullable=False),
    Column("lines", JSON, nullable=False),
)

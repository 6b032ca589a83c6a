"""The tables of alerts: how each rule stood when it was last looked at, and every alert there was."""

from sqlalchemy import JSON, Boolean, Column, Index, Integer, String, Table

from services.database.tables import UtcDateTime, metadata

# `looked_at` is the end of the window that was looked at last; `seen` is what was found in it.
alert_look = Table(
    "alert_look",
    metadata,
    Column("app_id", String(63), primary_key=True),
    Column("rule_id", String(63), primary_key=True),
    Column("looked_at", UtcDateTime, nullable=False),
    Column("seen", JSON, nullable=False),
)

# `told` counts how often it was told; `told_at` is empty while nobody was told since it fired.
alert = Table(
    "alert",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("app_id", String(63), nullable=False, index=True),
    Column("rule_id", String(63), nullable=False),
    Column("text", JSON, nullable=False),
    Column("calm", Integer, nullable=False, default=0),
    Column("started_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("end_told", Boolean, nullable=False, default=False),
    Column("told", Integer, nullable=False, default=0),
    Column("told_at", UtcDateTime),
    Column("acknowledged_by", String(254)),
    Column("acknowledged_at", UtcDateTime),
)

# One open alert per rule, whoever looks at the same moment.
Index(
    "alert_open",
    alert.c.app_id,
    alert.c.rule_id,
    unique=True,
    sqlite_where=alert.c.ended_at.is_(None),
    postgresql_where=alert.c.ended_at.is_(None),
)

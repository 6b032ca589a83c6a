"""The tables of sign-in: who was seen here, and which sign-ins were ended before their time."""

from sqlalchemy import JSON, Column, String, Table

from services.database.tables import UtcDateTime, metadata, now

# `groups` as the sign-in told them last.
person = Table(
    "person",
    metadata,
    Column("id", String(254), primary_key=True),
    Column("groups", JSON, nullable=False),
    Column("first_seen", UtcDateTime, nullable=False, default=now),
    Column("last_seen", UtcDateTime, nullable=False, default=now),
)

# A browser holds its sign-in itself: what was signed out is remembered until it would have ended anyway.
ended_sign_in = Table(
    "ended_sign_in",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("until", UtcDateTime, nullable=False),
)

"""The database of a team: PostgreSQL guards the audit log and finds in it as SQLite does, and holds long trace ids"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

# Told as a broken constraint, as SQLite's RAISE(ABORT) is.
REFUSES = """
CREATE FUNCTION event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'integrity_constraint_violation';
END
$$
"""


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute(REFUSES)
    for action in ("UPDATE", "DELETE", "TRUNCATE"):
        op.execute(
            f"CREATE TRIGGER event_is_append_only_{action.lower()} BEFORE {action} ON event "
            "FOR EACH STATEMENT EXECUTE FUNCTION event_is_append_only()"
        )
    op.drop_index("event_of_subject", "event")
    op.create_index("event_of_subject", "event", ["subject", "at"], postgresql_ops={"subject": "text_pattern_ops"})
    op.alter_column("review_item", "trace_id", type_=sa.String(512))

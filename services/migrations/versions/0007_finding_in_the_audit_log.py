"""Finding in the audit log"""

from alembic import op

revision = "0007"
down_revision = "0006"

INDEXES = {
    "event_at": ["at"],
    "event_of_app": ["app_id", "at"],
    "event_of_actor": ["actor", "at"],
    "event_of_verb": ["verb", "at"],
    "event_of_subject": ["subject", "at"],
    "event_of_outcome": ["outcome", "at"],
}


def upgrade() -> None:
    for name, columns in INDEXES.items():
        op.create_index(name, "event", columns)

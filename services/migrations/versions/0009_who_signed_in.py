"""Who was seen, and which sign-ins were ended"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "person",
        sa.Column("id", sa.String(254), primary_key=True),
        sa.Column("groups", sa.JSON(), nullable=False),
        sa.Column("first_seen", sa.DateTime(), nullable=False),
        sa.Column("last_seen", sa.DateTime(), nullable=False),
    )
    op.create_table(
        "ended_sign_in",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("until", sa.DateTime(), nullable=False),
    )

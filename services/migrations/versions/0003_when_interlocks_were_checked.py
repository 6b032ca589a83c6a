"""When interlocks were checked"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("release", sa.Column("checked_at", sa.DateTime(), nullable=True))

"""Which share of the questions a version that answers nobody gets copies of, and how many came and were left out"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    for name in ("shadow", "copied", "dropped"):
        op.add_column("served", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))

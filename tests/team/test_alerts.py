"""The same on PostgreSQL."""

from tests.services.test_alerts import *  # noqa: F403

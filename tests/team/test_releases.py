"""The same on PostgreSQL."""

from tests.services.test_releases import *  # noqa: F403

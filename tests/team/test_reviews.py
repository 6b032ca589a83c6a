"""The same on PostgreSQL."""

from tests.services.test_reviews import *  # noqa: F403

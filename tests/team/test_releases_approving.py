"""The same on PostgreSQL."""

from tests.services.test_releases_approving import *  # noqa: F403

"""Finding, exporting and checking the audit log on PostgreSQL, as on SQLite."""

from tests.services.test_audit_reading import *  # noqa: F403

# SQLite's own plan of a query, and a value that it alone keeps in a column of another type.
del test_no_filter_reads_the_whole_table  # noqa: F821
del test_a_value_that_can_no_longer_be_read_is_a_changed_line  # noqa: F821

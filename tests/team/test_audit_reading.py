"""The audit log is found in and checked on PostgreSQL as on SQLite."""

from tests.services.test_audit_reading import (  # noqa: F401
    test_a_change_is_one_line_and_pages_meet_without_gaps,
    test_a_changed_byte_a_gap_and_a_new_line_are_found_where_they_are,
    test_a_known_line_that_was_taken_out_with_all_hashes_made_anew_is_missed,
    test_lines_are_found_by_person_kind_name_outcome_and_time,
    written,
)

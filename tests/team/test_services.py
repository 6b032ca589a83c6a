"""What rests on the database's own rules holds on PostgreSQL too: tests of the services, run on it."""

from tests.services.prompts.test_drafts import (  # noqa: F401
    test_a_draft_saved_in_two_tabs_makes_one_version,
    test_two_saves_at_the_same_moment_make_one_version,
)
from tests.services.prompts.test_library import (  # noqa: F401
    test_a_search_goes_through_names_titles_texts_labels_and_authors,
    test_signs_of_query_languages_are_only_signs,
    test_the_newest_change_comes_first_unless_asked_for_names,
    written,
)
from tests.services.test_alerts import (  # noqa: F401
    start,
    test_two_lookers_open_one_alert,
)
from tests.services.test_releases import (  # noqa: F401
    test_a_change_on_an_old_reading_is_refused,
    test_a_new_release_waits_at_every_step,
    test_a_prompt_that_is_put_away_is_said_to_be_and_comes_back_first,
)
from tests.services.test_releases_approving import (  # noqa: F401
    proposed,
    test_decisions_stand_in_the_audit_chain,
    test_what_has_moved_or_is_over_cannot_be_decided_on,
)
from tests.services.test_reviews import (  # noqa: F401
    test_an_answer_left_lying_goes_to_the_next_and_cannot_be_overwritten,
    test_two_reviewers_at_once_get_different_answers,
)

"""Moving what production serves: from what was expected, once, and back."""

import mlflow
import pytest

from services import audit, production, prompts
from services.errors import ConflictError
from tests.standing import logged, stand


@pytest.fixture
def written(workspace):
    for text in ("One.", "Two.", "Three."):
        prompts.save(workspace, "greeting", text, "")
    return workspace


def verbs(workspace):
    return [(one.verb, one.outcome) for one in audit.events(workspace) if one.outcome != "intent"]


def test_an_alias_moves_once_and_only_from_where_it_was(written):
    production.move_alias(written, "greeting", None, 1, "first")
    production.move_alias(written, "greeting", None, 1, "again")
    assert [one for one in verbs(written) if one[0] == "move_alias"] == [("move_alias", "done")]
    with pytest.raises(ConflictError, match="version 1 instead of 2"):
        production.move_alias(written, "greeting", 2, 3, "stale")
    assert production.alias(written, "greeting") == 1


@pytest.mark.parametrize("before", [None, 2])
def test_an_alias_is_put_back_where_it_was(written, before):
    mlflow.genai.set_prompt_alias("greeting", "production", 3)
    production.restore_alias(written, "greeting", 1, before, "it is somebody else's")
    assert production.alias(written, "greeting") == 3
    production.restore_alias(written, "greeting", 3, before, "failed")
    production.restore_alias(written, "greeting", 3, before, "failed")
    assert production.alias(written, "greeting") == before
    assert [one for one in verbs(written) if one[0] == "move_alias"] == [("move_alias", "done")]


def test_a_pinned_version_is_named_for_good(written):
    production.pin(written, "greeting", 2, "release 1")
    production.pin(written, "greeting", 2, "release 2")
    assert production.alias(written, "greeting", "release_2") == 2
    assert next((one.verb, one.subject) for one in audit.events(written) if one.outcome == "done") == (
        "pin_prompt",
        "greeting@release_2",
    )
    assert verbs(written).count(("pin_prompt", "done")) == 1
    mlflow.genai.set_prompt_alias("greeting", "release_2", 1)
    with pytest.raises(ConflictError, match="release_2 of greeting names version 1"):
        production.pin(written, "greeting", 2, "release 3")


def test_traffic_moves_only_from_the_expected_shares(written):
    for version, weight in ((1, 100), (2, 0)):
        stand(written, version, logged(written, "greeting"), weight)
    with pytest.raises(ConflictError, match="outside this release"):
        production.move_traffic(written, {}, {2: 100}, "stale")
    production.move_traffic(written, {1: 100}, {2: 100}, "release")
    production.move_traffic(written, {1: 100}, {2: 100}, "again")
    assert production.traffic(written) == {2: 100}
    assert [one for one in verbs(written) if one[0] == "move_traffic"] == [("move_traffic", "done")]


def test_a_version_with_traffic_is_never_retired(written):
    for version, weight in ((1, 100), (2, 0)):
        stand(written, version, logged(written, "greeting"), weight)
    for version in (1, 2, 9):
        production.retire(written, version, "not needed")
    assert production.standing(written, 1) is not None
    assert production.standing(written, 2) is None


def test_a_models_alias_moves_once_and_only_from_where_it_was(written):
    alias = production.ModelAlias("support-agent", production.CHAMPION)
    for _ in range(2):
        mlflow.register_model(f"models:/{logged(written, 'greeting')}", alias.model)
    production.move_model_alias(written, alias, None, 1, "release 1")
    production.move_model_alias(written, alias, None, 1, "again")
    with pytest.raises(ConflictError, match="version 1 instead of –"):
        production.move_model_alias(written, alias, None, 2, "stale")
    assert production.model_aliases(written, alias.model) == {"champion": 1}
    production.move_model_alias(written, alias, 1, None, "withdrawn")
    assert production.model_aliases(written, alias.model) == {}
    assert [one for one in verbs(written) if one[0] == "move_model_alias"] == [("move_model_alias", "done")] * 2

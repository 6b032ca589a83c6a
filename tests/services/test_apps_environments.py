"""What an environment decides about agents: kept, checked, given to what is deployed, and not written into the log."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from services import apps, audit, production
from services.apps import AppForm, Environment, Stage
from services.database import served
from services.errors import ConflictError, InvalidInputError
from services.platforms import Target

VARIABLES = {"SHOP_URL": "https://shop.example"}


def test_production_gives_its_variables_to_what_is_deployed(workspace):
    wanted = Environment(Stage.PRODUCTION, "support", {"temperature": "0"}, VARIABLES)
    apps.save_environment(workspace, wanted)
    now = workspace.for_app(apps.get(workspace, "support"))
    assert now.app.environment == wanted == apps.environments_of(now)[Stage.PRODUCTION]
    production.deploy(now, 1, "m-1", {})
    with now.engine.connect() as connection:
        assert connection.execute(select(served.c.environment)).scalar() == VARIABLES
    line = audit.of_verbs(workspace, [audit.Verb.UPDATE_APP])[-1]
    assert line.after["variables"] == ["SHOP_URL"] and "shop.example" not in str(line.after)
    with pytest.raises(ConflictError, match="Somebody else"):
        apps.save_environment(workspace, wanted, seen=Environment(Stage.PRODUCTION, "support", {}, {}))
    apps.save_environment(workspace, wanted, seen=wanted)


@pytest.mark.parametrize("name", ["", "1ST", "WITH BLANK"])
def test_a_name_that_cannot_be_one_is_refused(workspace, name):
    with pytest.raises(InvalidInputError):
        apps.save_environment(workspace, Environment(Stage.PRODUCTION, "support", {}, {name: "1"}))


def test_a_way_of_serving_that_the_platform_lacks_is_refused(workspace):
    with pytest.raises(InvalidInputError, match="no agents in that way"):
        apps.save_environment(workspace, Environment(Stage.PRODUCTION, "support", target=Target.CPU))


def test_no_two_environments_share_an_endpoint(workspace, bare_workspace):
    apps.create(bare_workspace, AppForm(id="other", name="Other", company="", model="practice", endpoint="other"))
    for taken in ("support", "other"):
        with pytest.raises(ConflictError):
            apps.save_environment(workspace, Environment(Stage.STAGING, taken))
    apps.save_environment(workspace, Environment(Stage.STAGING, "support-staging"))
    assert apps.environments_of(workspace)[Stage.STAGING].alias == "staging"
    with pytest.raises(ConflictError, match="taken already"):
        apps.save(workspace, replace(apps.form_of(workspace.app), endpoint="support-staging"))
    assert apps.get(workspace, "support").endpoint == "support"
    other = bare_workspace.for_app(apps.get(bare_workspace, "other"))
    assert apps.other_app_at(other, "support-staging").id == "support"

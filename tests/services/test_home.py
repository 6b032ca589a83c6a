"""Home: what comes next, and the sample app on an empty data folder."""

from services import apps, datasets, home, prompts, scorers
from services.people import CONSOLE
from services.workspace import Workspace


def test_an_empty_folder_gets_the_sample_app_once(settings):
    platform = home.prepare(settings)
    home.prepare(settings)
    place = Workspace(platform, CONSOLE)
    (app,) = apps.all(place)
    place = place.for_app(app)
    rows = datasets.rows(place, app.dataset_id)
    assert len([row for row in rows if row.language == "ja"]) >= 40
    assert len([row for row in rows if row.language == "en"]) >= 40
    assert {spec.name for spec in scorers.all(place)} == set(app.gate.minimum)
    assert prompts.names(place) == []


def test_the_stages_follow_the_work(workspace):
    assert home.summary(workspace).next.page == "prompts"
    prompts.save(workspace, "greeting", "Hello", "")
    assert home.summary(workspace).next.page == "agents"
    assert home.summary(workspace).live.pair.model_id is None

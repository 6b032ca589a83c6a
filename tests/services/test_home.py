"""Home: what comes next, and the sample app on an empty data folder."""

import pytest

from services import apps, audit, datasets, home, prompts, scorers
from services.people import CONSOLE
from services.workspace import Workspace


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the console catches it."""


def killed(*arguments, **named):
    raise Killed


def killed_at(count, function):
    """`function`, which the process does not survive the `count`-th time."""
    calls = []

    def call(*arguments, **named):
        calls.append(arguments)
        return killed() if len(calls) == count else function(*arguments, **named)

    return call


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


@pytest.mark.parametrize(
    ("module", "name", "count"),
    [
        (apps, "_insert", 1),
        (scorers, "save", 1),
        (scorers, "save", 3),
        (datasets, "create", 1),
        (datasets.stored, "records", 1),
        (apps, "choose_dataset", 1),
    ],
)
def test_a_first_start_that_was_cut_off_is_made_good(settings, module, name, count):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name, killed_at(count, getattr(module, name)))
        with pytest.raises(Killed):
            home.prepare(settings)
    place = Workspace(home.prepare(settings), CONSOLE)
    (app,) = apps.all(place)
    place = place.for_app(app)
    assert [one.id for one in datasets.all(place)] == [app.dataset_id]
    assert len(datasets.rows(place, app.dataset_id)) >= 80
    assert {spec.name for spec in scorers.all(place)} == set(app.gate.minimum)
    assert {spec.version for spec in scorers.all(place)} == {1}
    assert audit.broken_at(place.engine) is None


def test_the_stages_follow_the_work(workspace):
    assert home.summary(workspace).next.page == "prompts"
    prompts.save(workspace, "greeting", "Hello", "")
    assert home.summary(workspace).next.page == "agents"
    assert home.summary(workspace).live.pair.model_id is None

"""Where a page stands when a thing is opened from a list, and when its reader comes back."""

import pytest

from services import apps, people, sample, settings
from services.workspace import Workspace, connect
from tests.left_traces import leave

PLACE = "() => Math.round(document.querySelector('[data-testid=stMain]').scrollTop)"


@pytest.fixture
def console(serve, visit, monkeypatch):
    """A list of traces that is longer than the screen."""
    started = serve()
    for name, value in started.environ.items():
        monkeypatch.setenv(name, value)
    config = settings.load(started.environ)
    workspace = Workspace(connect(config), people.identify(config, {}))
    workspace = workspace.for_app(apps.get(workspace, sample.app().id))
    for number in range(12):
        leave(workspace, f"Question {number}?", "An answer of many words. " * 20)
    console = visit(started).open("traces")
    console.page.set_viewport_size({"width": 1024, "height": 600})
    return console


def test_a_thing_opens_at_its_top_and_its_list_where_it_was_left(console):
    page = console.page

    def stands_at(place):
        console.idle()
        page.wait_for_function(f"([place]) => Math.abs(({PLACE})() - place) < 2", arg=[place])

    console.main.get_by_role("button", name="Open").nth(10).scroll_into_view_if_needed()
    left = page.evaluate(PLACE)
    assert left > 300
    console.main.get_by_role("button", name="Open").nth(10).click()
    console.sees("All traces")
    stands_at(0)
    page.mouse.move(600, 300)
    page.mouse.wheel(0, 100)
    stands_at(100)

    console.click("All traces")
    stands_at(left)
    page.go_back()
    console.sees("All traces")
    stands_at(100)
    page.go_forward()
    stands_at(left)
    console.go("Prompts")
    stands_at(0)

"""An app in which something is on every screen, made by the console's own processes, and the addresses to look at."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from pages.components.screens import SCREENS
from services import alerts, apps, datasets, endpoints, people, releases, reviews, sample, settings
from services.alerts import Rule, Series, Way
from services.prompts import comments
from services.releases import Proposal
from services.reviews.records import Form, Kind, Label, Pick
from services.reviews.records import Rule as Choice
from services.workspace import Workspace, connect
from tests.left_traces import leave
from tests.train.conftest import Train

ROWS = 8


def fill(environ: Mapping[str, str]) -> list[str]:
    """Fill the sample app of a console that runs; returns the addresses of its screens and views."""
    config = settings.load(environ)
    place = Workspace(connect(config), people.identify(config, {}))
    place = place.for_app(apps.get(place, sample.app().id))
    dataset = datasets.create(place, "Eight questions", datasets.rows(place, str(place.app.dataset_id))[:ROWS])
    apps.choose_dataset(place, dataset.id)
    apps.save_gate(place, apps.Gate({"polite": 0.5, "mentions company": 0.9}, rows=ROWS))
    place = place.for_app(apps.get(place, place.app.id))
    train = Train(place)
    first, second, third = train.prompts()
    agent = train.agent(first)
    before, after = (train.evaluate(agent, version) for version in (first, second))
    train.release(agent, first)
    live = train.release(agent, second)
    held = releases.propose(place, Proposal(agent, third))
    row = datasets.rows(place, dataset.id)[0].id
    prompt, compared = {"prompt": sample.app().prompt_name}, {"run": after.run_id, "against": before.run_id}
    views = [
        *(("prompts", prompt | {"view": view}) for view in ("versions", "compare", "used", "comments", "improve")),
        ("prompts", {"import": "1"}),
        *(("agents", {"agent": agent, "view": view}) for view in ("try", "lineage")),
        ("agents", {"new": "1"}),
        *(("datasets", {"dataset": dataset.id, "view": view}) for view in ("questions", "add", "checkup", "versions")),
        *(("scorers", {"scorer": "polite", "part": part}) for part in ("settings", "health")),
        ("scorers", {"add": "judge"}),
        ("evaluations", compared),
        ("evaluations", compared | {"row": row}),
        ("releases", {"release": live.id}),
        ("releases", {"release": held.id}),
        *(("alerts", {"view": view}) for view in ("channels", "quiet")),
        *_left_by_people(place, third),
        ("search", {"q": "delivery"}),
        *((one.name, {}) for one in SCREENS),
    ]
    return [f"{name}?{urlencode(query)}" if query else name for name, query in views]


def _left_by_people(place: Workspace, version: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Questions and answers, a comment, an alert rule, a queue that waits."""
    list(endpoints.stream(place, [{"role": "user", "content": "How long does a delivery take?"}]))
    leave(place, "Why?", "The model is busy.", error=True)
    comments.write(place, sample.app().prompt_name, version, "It forgets the company.")
    rule = alerts.save(place, Rule("", "Too many errors", Series.ERRORS, Way.ABOVE, limit=0.1))
    label = Label("right", Kind.PASS, "Is it right?")
    queue = reviews.make(place, Form("Fresh answers", Choice(Pick.RANDOM, share=1.0), (label,)))
    yield "traces", {"trace": leave(place, "Where is my parcel?", "On its way.")}
    yield "alerts", {"view": "write", "rule": rule.id}
    yield "reviews", {"queue": queue.id}
    yield "reviews", {"queue": queue.id, "view": "found"}
    yield "reviews", {"new": "1"}

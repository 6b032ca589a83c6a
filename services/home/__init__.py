"""The first screen: what is live, what waits, and the one thing to do next."""

import fcntl
from dataclasses import asdict, dataclass

from services import apps, database, datasets, jobs, releases, reviews, sample, scorers
from services.apps import AppForm, Gate
from services.datasets import Row
from services.errors import translated
from services.home import next_step, stages
from services.home.next_step import Facts, NextStep
from services.home.stages import Stage
from services.jobs import Job
from services.messages import Message
from services.people import CONSOLE
from services.prompts import drafts
from services.prompts.drafts import Draft
from services.releases import Live, Release
from services.releases.waiting import Waiting
from services.reviews import Queue
from services.scorers import ScorerSpec
from services.settings import Settings
from services.workspace import Platform, Workspace, connect

__all__ = ["Home", "NextStep", "Stage", "prepare", "summary"]


@dataclass(frozen=True)
class Home:
    """What the first screen shows."""

    live: Live
    stages: tuple[Stage, ...]
    running: tuple[Job, ...]
    releases: tuple[Release, ...]
    drafts: tuple[Draft, ...]
    reviews: tuple[tuple[Queue, int], ...]
    waiting: tuple[Waiting, ...]
    next: NextStep


def prepare(settings: Settings) -> Platform:
    """Bring the stores up to date, connect and, on an empty data folder of this machine, set up the sample app."""
    with translated(Message("Opening the data folder")):
        database.migrate(settings)
        platform = connect(settings)
    if settings.databricks is None:
        _prepare_sample(Workspace(platform, CONSOLE))
    return platform


def summary(workspace: Workspace) -> Home:
    """Everything the first screen shows, from the stores as they are now."""
    live = releases.live(workspace)
    steps = stages.all(workspace, live)
    running = tuple(job for job in jobs.recent(workspace, limit=50) if job.live and not job.recurring)
    known, queues = tuple(releases.all(workspace)), tuple(reviews.waiting(workspace))
    waiting = tuple(releases.waiting.for_me(workspace))
    following = next_step.of(workspace, Facts(live, steps, known, queues, waiting))
    return Home(live, steps, running, known[:5], tuple(drafts.all(workspace)), queues, waiting, following)


def _prepare_sample(place: Workspace) -> None:
    """Nobody's workspace is filled without being asked: on Databricks there is none."""
    with (place.settings.home / "sample.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not apps.all(place) and not apps.all(place, archived=True):
            _create_sample(place)
        for app in apps.all(place):
            if app.sample and app.dataset_id is None:
                _fill_sample(place.for_app(app))


def _create_sample(place: Workspace) -> None:
    """The sample app with its gate; writing its prompts is the first thing to do by hand."""
    stored = sample.app()
    form = AppForm(
        id=stored.id,
        name=stored.name,
        company=stored.company,
        model=place.settings.model,
        endpoint=stored.endpoint,
        constants=stored.constants,
        smoke_questions=stored.smoke_questions,
        time_zone=stored.time_zone,
        gate=Gate(stored.minimum, stored.gate_rows),
    )
    apps.create(place, form, sample=True)


def _fill_sample(place: Workspace) -> None:
    """Its scorers and questions; the choice of the dataset comes last, so that a first start cut short is made good."""
    stored, there = sample.app(), {spec.name for spec in scorers.all(place)}
    for one in stored.scorers:
        if one.name not in there:
            scorers.save(place, ScorerSpec(one.name, one.kind, dict(one.settings), 0))
    rows = [Row(**asdict(row)) for row in sample.rows()]
    begun = [one.id for one in datasets.all(place) if one.name == stored.dataset_name]
    made = datasets.save_rows(place, begun[0], rows) if begun else datasets.create(place, stored.dataset_name, rows)
    apps.choose_dataset(place, made.id)

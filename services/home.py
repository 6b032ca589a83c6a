"""The first screen: what is live, what waits, and the one thing to do next."""

import fcntl
from collections.abc import Callable
from dataclasses import asdict, dataclass

from services import agents, apps, database, datasets, evaluations, jobs, prompts, releases, reviews, sample, scorers
from services.apps import AppForm, Gate
from services.datasets import Row
from services.errors import translated
from services.jobs import Job
from services.messages import Message
from services.people import CONSOLE
from services.prompts import drafts
from services.prompts.drafts import Draft
from services.releases import Live, Release
from services.reviews import Queue
from services.scorers import ScorerSpec
from services.settings import Settings
from services.workspace import Platform, Workspace, connect


@dataclass(frozen=True)
class Stage:
    """One stretch of the way to production; `page` is where it is done."""

    title: Message
    page: str
    done: bool
    detail: Message


@dataclass(frozen=True)
class Home:
    """What the first screen shows."""

    live: Live
    stages: tuple[Stage, ...]
    running: tuple[Job, ...]
    releases: tuple[Release, ...]
    drafts: tuple[Draft, ...]
    reviews: tuple[tuple[Queue, int], ...] = ()

    @property
    def next(self) -> Stage | None:
        """The first stage that is not done; None when everything runs."""
        return next((stage for stage in self.stages if not stage.done), None)


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
    stages = tuple(stage(workspace, live) for stage in STAGES)
    running = tuple(job for job in jobs.recent(workspace, limit=50) if job.live and not job.recurring)
    waiting = tuple(reviews.waiting(workspace))
    return Home(live, stages, running, tuple(releases.all(workspace)[:5]), tuple(drafts.all(workspace)), waiting)


def _prepare_sample(place: Workspace) -> None:
    """Nobody's workspace is filled without being asked: on Databricks there is none."""
    with (place.settings.home / "sample.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not apps.all(place) and not apps.all(place, archived=True):
            _create_sample(place)
        for app in apps.all(place):
            if app.sample and app.dataset_id is None:
                _fill_sample(place.for_app(app))


def _prompt(workspace: Workspace, live: Live) -> Stage:
    names = prompts.names(workspace)
    detail = Message("Prompts: {n}.", n=len(names)) if names else Message("Write what the assistant is told.")
    return Stage(Message("Write a prompt"), "prompts", bool(names), detail)


def _agent(workspace: Workspace, live: Live) -> Stage:
    ready = [one for one in agents.versions(workspace) if one.status == "READY"]
    detail = Message("Agent versions: {n}.", n=len(ready)) if ready else Message("Log an agent that uses the prompt.")
    return Stage(Message("Log an agent"), "agents", bool(ready), detail)


def _dataset(workspace: Workspace, live: Live) -> Stage:
    chosen = [one for one in datasets.all(workspace) if one.id == workspace.app.dataset_id]
    detail = (
        Message("{name}: {rows} questions.", name=chosen[0].name, rows=chosen[0].rows)
        if chosen
        else Message("Collect the questions that answers are judged on.")
    )
    return Stage(Message("Choose questions and scorers"), "datasets", bool(chosen and scorers.all(workspace)), detail)


def _evaluation(workspace: Workspace, live: Live) -> Stage:
    done = [one for one in evaluations.all(workspace) if one.finished]
    detail = (
        Message("Finished evaluations: {n}.", n=len(done))
        if done
        else Message("Run the agent over the questions and look at the scores.")
    )
    return Stage(Message("Evaluate"), "evaluations", bool(done), detail)


def _release(workspace: Workspace, live: Live) -> Stage:
    pair, detail = live.pair, Message("Nothing is live yet.")
    if pair.model_id and pair.prompt_version is None:
        detail = Message("Agent version {agent} is live, without a prompt.", agent=pair.agent_version or "–")
    elif pair.model_id:
        detail = Message(
            "Prompt version {prompt} with agent version {agent} is live.",
            prompt=pair.prompt_version or "–",
            agent=pair.agent_version or "–",
        )
    return Stage(Message("Release"), "releases", pair.model_id is not None, detail)


STAGES: tuple[Callable[[Workspace, Live], Stage], ...] = (_prompt, _agent, _dataset, _evaluation, _release)


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

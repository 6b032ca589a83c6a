"""The practice copy: the sample app once more, walked to production by the console itself."""

import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from services import agents, apps, datasets, evaluations, jobs, prompts, releases, sample, scorers
from services.agents import AgentForm
from services.datasets import Row
from services.errors import PlatformError
from services.jobs import Job, State
from services.messages import Message
from services.releases import Proposal, Release
from services.scorers import ScorerSpec

if TYPE_CHECKING:
    from services.jobs import Work
    from services.workspace import Workspace

ROWS = 8
JUDGE = "judge of tone"
GUIDELINE = "The answer must be polite."
STEPS = 6
PAUSE = 0.2


def make(place: "Workspace", work: "Work") -> None:
    """Two releases that are proven, one after the other; what an earlier attempt did is not done again."""
    work.progress(0, STEPS, Message("Writing prompts, questions and scorers"))
    _fill(place)
    place = place.for_app(apps.get(place, place.app.id))
    first, second, _bad = saved(place)
    work.progress(1, STEPS, Message("Logging the agent"))
    agent = _agent(place, work, first)
    for position, version in enumerate((first, second)):
        work.progress(2 + position, STEPS, Message("Evaluating prompt version {n}", n=version))
        evaluate(place, work, agent, version)
    for position, version in enumerate((first, second)):
        work.progress(4 + position, STEPS, Message("Releasing prompt version {n}", n=version))
        _release(place, work, agent, version)


def saved(place: "Workspace") -> list[int]:
    """The versions of the sample's prompt, whatever people saved beside them: the last one makes answers worse."""
    name = place.app.id
    there = prompts.history(place, name) if name in prompts.names(place) else []
    known = {one.template: one.version for one in there}  # the newest first: of the same text, the oldest one stays
    for one in sample.app().prompts:
        if one.template not in known:
            known[one.template] = prompts.save(place, name, one.template, one.note).version
    return [known[one.template] for one in sample.app().prompts]


def evaluate(place: "Workspace", work: "Work", agent: str, version: int) -> None:
    if not any(one.finished and one.prompt_version == version for one in evaluations.all(place)):
        done(place, work, evaluations.start(place, agent, version, str(place.app.dataset_id)))


def carried_out(place: "Workspace", work: "Work", release: Release) -> Release:
    """The release once its job has ended."""
    done(place, work, jobs.get(place, int(release.job_id or 0)))
    return releases.get(place, release.id)


def done(place: "Workspace", work: "Work", job: Job) -> Job:
    """The job once it has ended; raises PlatformError when it did not end well."""
    while job.live:
        work.check()
        time.sleep(PAUSE)
        job = jobs.get(place, job.id)
    if job.state is not State.DONE:
        told = job.error or Message("A job of the practice copy was cancelled.")
        raise PlatformError(told, job.remedy or Message("End the rehearsal, then start another one."))
    return job


def _fill(place: "Workspace") -> None:
    known = {one.name for one in scorers.all(place)}
    for one in sample.app().scorers:
        if one.name not in known:
            scorers.save(place, ScorerSpec(one.name, one.kind, dict(one.settings)))
    if JUDGE not in known:
        scorers.save(place, ScorerSpec(JUDGE, "guidelines", {"guidelines": [GUIDELINE]}))
    if place.app.dataset_id is None:
        rows = [Row(**asdict(row)) for row in sample.rows() if row.question.strip()][:ROWS]
        apps.choose_dataset(place, datasets.create(place, sample.app().dataset_name, rows).id)


def _agent(place: "Workspace", work: "Work", first: int) -> str:
    ready = [one.model_id for one in agents.versions(place) if one.status == "READY"]
    form = AgentForm(place.app.id, place.app.id, first, pinned=False, llm_model=place.app.model, source=None)
    return ready[0] if ready else str(done(place, work, agents.log(place, form)).result["model_id"])


def _release(place: "Workspace", work: "Work", agent: str, version: int) -> None:
    """Proposed, started, proven; one that an attempt before this left on its way is waited for."""
    known = [one for one in releases.all(place) if one.after.prompt_version == version]
    if any(one.state is releases.State.LIVE for one in known):
        return
    under_way = next((one for one in known if one.working), None)
    if under_way is None:
        under_way = releases.start(place, releases.propose(place, Proposal(agent, version, "practice")).id)
    carried_out(place, work, under_way)

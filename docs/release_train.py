"""The whole release train as plain service calls, on the sample app: run it with `make train`.

It uses the data folder of SIGNALBOX_HOME (an empty one is prepared first) and starts a worker when none runs, so it
can run beside an open console; every step shows in the console while the script walks.
"""

import os
import subprocess
import sys
import time

from services import agents, evaluations, home, jobs, people, prompts, releases, sample, settings
from services.apps import get
from services.errors import BlockedError
from services.jobs import Job
from services.processes.lock import held
from services.releases import Proposal, Release
from services.workspace import Workspace, connect

SAMPLE = sample.app()


def main() -> None:
    config = settings.load(os.environ)
    home.prepare(config)
    if not held(config.run_folder / "worker.lock"):
        subprocess.Popen([sys.executable, "-m", "services.processes.worker"], start_new_session=True)
    workspace = Workspace(connect(config), people.identify(config, {}))
    workspace = workspace.for_app(get(workspace, SAMPLE.id))
    walk(workspace)


def walk(workspace: Workspace) -> None:
    """Prompt, agent, evaluation, release 1, better prompt, release 2, a refused third version, roll back."""
    first, second, third = (saved(workspace, one.template, one.note) for one in SAMPLE.prompts)
    agent = logged_agent(workspace, first)
    for version in (first, second, third):
        evaluate(workspace, agent, version)

    release(workspace, Proposal(agent, first, "the first release"))
    release(workspace, Proposal(agent, second, "answers are more helpful"))
    try:
        release(workspace, Proposal(agent, third, "shorter"))
    except BlockedError as error:
        print(f"version 3 was refused: {error}")
    report(wait_for(workspace, releases.roll_back(workspace, "to show how")))


def saved(workspace: Workspace, template: str, note: str) -> int:
    """Save a prompt version; returns its number."""
    return prompts.save(workspace, SAMPLE.prompt_name, template, note).version


def logged_agent(workspace: Workspace, version: int) -> str:
    """Log the built-in agent, following the alias production; returns its model id."""
    form = agents.AgentForm(
        name=SAMPLE.agent_name,
        prompt_name=SAMPLE.prompt_name,
        first_version=version,
        pinned=False,
        llm_model=workspace.app.model,
        source=None,
    )
    return str(done(workspace, agents.log(workspace, form)).result["model_id"])


def evaluate(workspace: Workspace, model_id: str, version: int) -> None:
    job = evaluations.start(workspace, model_id, version, str(workspace.app.dataset_id))
    run = evaluations.get(workspace, done(workspace, job).result["run_id"])
    print(
        f"prompt version {run.prompt_version}: "
        + ", ".join(f"{name} {score.mean:.0%}" for name, score in run.scores.items())
    )


def release(workspace: Workspace, proposal: Proposal) -> Release:
    proposed = releases.propose(workspace, proposal)
    return report(wait_for(workspace, releases.start(workspace, proposed.id)))


def wait_for(workspace: Workspace, release: Release) -> Release:
    """Wait for a release that the worker carries out."""
    done(workspace, jobs.get(workspace, int(release.job_id or 0)))
    return releases.get(workspace, release.id)


def done(workspace: Workspace, job: Job) -> Job:
    """Wait for a job; raises SystemExit with its message when it fails."""
    while job.live:
        time.sleep(0.2)
        job = jobs.get(workspace, job.id)
    if job.state is not jobs.State.DONE:
        raise SystemExit(f"{job.kind}: {job.error or job.state} {job.remedy or ''}")
    return job


def report(found: Release) -> Release:
    proof = f"proven in {found.proof.seconds} s" if found.proof else "not proven"
    print(f"release {found.id} ({found.kind}): {found.state}, prompt version {found.after.prompt_version}, {proof}")
    return found


if __name__ == "__main__":
    main()

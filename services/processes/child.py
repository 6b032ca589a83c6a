"""What a job runs in: a forked child of the worker, for one attempt, without the console's settings in sight."""

import importlib
import logging
import os
import signal
import sys
import threading
import time
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from services import database, jobs
from services.errors import ConsoleError, PlatformError, translated
from services.jobs import Job, Work
from services.messages import Message
from services.processes import logs, packages
from services.processes.early import PRICES_WITHOUT_NETWORK
from services.secrets import OF_AGENTS
from services.settings import Settings

if TYPE_CHECKING:
    from services.workspace import Platform

log = logging.getLogger("signalbox.worker")

PAUSE = 0.2
PAUSES_TO_CONNECT = (1.0, 5.0, 20.0, 60.0)
INTERRUPTED = 255
PASSED_ON = frozenset({
    "PATH", "HOME", "LANG", "TZ", "TMPDIR", "USER", "VIRTUAL_ENV", "NO_PROXY", "no_proxy", PRICES_WITHOUT_NETWORK,
})  # fmt: skip
HTTP = ("HTTP_", "HTTPS_", "http_", "https_")
# PGSSL: how a database on a server is checked and encrypted, also for connections that are opened later; no secret.
PASSED_ON_PREFIXES = (OF_AGENTS, "MLFLOW_", "LC_", "PYTHON", "SSL_", "REQUESTS_", "PGSSL", *HTTP)
INSTALLS = frozenset({"install_agent"})


def run(config: Settings, job: Job, handler: str, lifeline: Connection) -> None:
    """One attempt of one job, in the name of the person who asked for it."""
    threading.Thread(target=_die_with_worker, args=(lifeline,), daemon=True).start()
    logs.start(config.log_format)
    try:
        platform = _connected(config, job)
        if platform is None:
            return
        if job.kind in INSTALLS:
            packages.remember(os.environ)
        _forget_environment(config)
        _attempt(platform, job, handler)
    except PlatformError as error:  # not even how it went could be written
        log.error("job %s (%s): %s", job.id, job.kind, error)
        sys.exit(INTERRUPTED)


def _connected(config: Settings, job: Job) -> "Platform | None":
    """None when the job ended without: a refusal is told as such, an outage is waited out longer each time."""
    from services import workspace

    for pause in (*PAUSES_TO_CONNECT, None):
        try:
            with translated(Message("Opening the data folder")):
                return workspace.connect(config)
        except ConsoleError as error:
            if not (isinstance(error, PlatformError) and error.retryable):
                log.warning("job %s (%s): %s", job.id, job.kind, error)
                jobs.fail(database.connect(config.database_url), job, error)
                return None
            if pause is None:
                raise
        if not _still_wanted(config, job, pause):
            return None
    return None


def _still_wanted(config: Settings, job: Job, seconds: float) -> bool:
    """Wait, unless someone asks the job to stop meanwhile."""
    engine, end = database.connect(config.database_url), time.monotonic() + seconds
    work = Work(engine, job)
    try:
        while time.monotonic() < end:
            with translated(Message("Opening the data folder")):
                work.check()
            time.sleep(PAUSE)
    except jobs.Cancelled:
        jobs.stop(engine, job)
        return False
    except jobs.Superseded:
        return False
    return True


def _attempt(platform: "Platform", job: Job, handler: str) -> None:
    """Let the handler work, and write how it went."""
    from services import apps, people, workspace

    engine = platform.engine
    work = Work(engine, job)
    module, _, name = handler.partition(":")
    try:
        groups = people.seen.groups_of(engine, job.actor, job.groups)
        actor = people.with_roles(platform.settings, job.actor, groups)
        place = workspace.Workspace(platform, actor, fence=work.fence)
        place = place.for_app(apps.get(place, job.app_id))
        os.environ["MLFLOW_EXPERIMENT_ID"] = place.app.experiment_id
        result = getattr(importlib.import_module(module), name)(place, work)
    except ConsoleError as error:
        log.warning("job %s (%s): %s", job.id, job.kind, error)
        jobs.fail(engine, job, error)
    except jobs.Cancelled:
        jobs.stop(engine, job)
    except jobs.Superseded:
        log.warning("job %s attempt %s was superseded", job.id, job.attempt)
    else:
        jobs.finish(engine, job, result)


def _forget_environment(config: Settings) -> None:
    """Agents and scorers may be code that someone brought: it sees the model and MLflow, not the console's settings."""
    prefixes = (*PASSED_ON_PREFIXES, *(("DATABRICKS_",) if config.databricks else ()))
    kept = {name: value for name, value in os.environ.items() if name in PASSED_ON or name.startswith(prefixes)}
    kept |= config.model_environment  # a principal's token is asked for by what is forgotten now
    os.environ.clear()
    os.environ.update(kept)


def _die_with_worker(lifeline: Connection) -> None:
    """End this process the moment the worker is gone, however it went."""
    try:
        lifeline.recv()
    except EOFError:
        os.kill(os.getpid(), signal.SIGKILL)

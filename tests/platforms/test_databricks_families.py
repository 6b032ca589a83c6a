"""Every family of a workspace's requests under every fault: it ends well, or with a sentence and a next step; nothing doubled."""

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from services import agents, apps, datasets, evaluations, people, production, prompts, scorers, traces
from services.apps import AppForm
from services.connection import making
from services.datasets import Row
from services.errors import ConsoleError
from services.platforms import MonitoredScorer
from services.platforms import databricks as platform
from services.platforms.compute import Errand
from services.platforms.databricks import archiving, changing, client, environment, schedule, variables, warehouse
from services.platforms.databricks.compute import ENVIRONMENTS
from services.platforms.databricks.labeling import sessions
from services.platforms.databricks.place import Place
from services.production import ModelAlias
from services.scorers import ScorerSpec
from services.traces import opinions
from services.workspace import Workspace, connect
from tests.workspace.fixture import TOKEN, Emulator, emptied, emulating, on_emulator, standing_on
from tests.workspace.support import MODEL, SCOPE, adopt, deploy, keep_secret, register, sdk

pytest.importorskip("databricks.agents")
# The console's own limits are seconds, and shortened here; the SDKs' are minutes.
SECONDS = 1
WAREHOUSE = "475b94ddc7cd5211"
HELLO = {"input": [{"role": "user", "content": "Hello"}]}
# Over after one request: the clients that try again succeed.
PASSING: dict[str, dict[str, Any]] = {
    "429": {"status": 429, "retry_after": 1, "times": 1},
    "503": {"status": 503, "times": 1},
    "dropped": {"drop": True, "times": 1},
    "lost": {"status": 503, "times": 1, "after_execute": True},
}
STAYING: dict[str, dict[str, Any]] = {
    "away": {"status": 503},
    "cut": {"drop": True},
    "page": {"status": 200, "raw_body": "<html><body>Sign in to the company network</body></html>"},
    "expired": {"status": 403, "error_code": "403", "message": "Token is expired."},
}
FAULTS = PASSING | STAYING
MET_BY_LOOKS = ("away", "page", "expired")
# One family of each client: MLflow's, the SDK's, the one of the answers, our own.
MET_BY_CLIENTS = dict.fromkeys(("prompts", "endpoints", "invocations", "scorers' configuration"), ("429", "503", "cut"))
MET_BY_CHANGES = ("dropped", "lost", "away", "page", "expired")


@dataclass(frozen=True)
class Standing:
    """The one workspace of all these tests, with an app, an endpoint, traces and a warehouse that runs."""

    emulator: Emulator
    app: Workspace
    trace_id: str
    dataset_id: str

    @property
    def client(self) -> Any:
        return self.app.platform.serving.client  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def standing(migrated_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    """On a workspace of its own: the SDKs keep their clients by its address, and these ones give up after a second."""
    folder = tmp_path_factory.mktemp("console")
    with emulating(folder) as emulator:
        yield from _standing(emulator, migrated_home, folder / "home")


def _standing(emulator: Emulator, migrated_home: Path, home: Path) -> Iterator[Standing]:
    shutil.copytree(migrated_home, home)
    emptied(emulator)
    own = {"SIGNALBOX_HOME": str(home), "SIGNALBOX_OPERATOR": "ada", "SIGNALBOX_WAREHOUSE": WAREHOUSE}
    environ = on_emulator(emulator, own | {"SIGNALBOX_SECRET_SCOPE": SCOPE})
    with standing_on(environ) as settings, pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "RETRY_SECONDS", SECONDS)
        patch.setitem(platform.ENVIRONMENT, "MLFLOW_DATABRICKS_ENDPOINT_HTTP_RETRY_TIMEOUT", str(SECONDS))
        workspace = adopt(Workspace(connect(settings), people.identify(settings, {})))
        yield _furnished(emulator, workspace, patch)
        workspace.engine.dispose()


def _furnished(emulator: Emulator, app: Workspace, patch: pytest.MonkeyPatch) -> Standing:
    emulator.admin("POST", "/config", {"deploy_seconds": 0.05, "submitted_runs": "hold"})
    keep_secret(app)
    register(app, patch, versions=1 + len(MET_BY_CHANGES))
    deploy(app, 1)
    prompts.save(app, "support", "Hello {{name}}", "first")
    scorers.save(app, ScorerSpec("kind", "guidelines", {"guidelines": ["Be polite"]}))
    app.platform.scoring.apply(app, [MonitoredScorer("kind", 1, 1.0, True)])
    made = datasets.create(app, "Questions", [Row("", "Where?")])
    asked = {"experiment_id": app.app.experiment_id, "n": 3, "days": 1}
    ids = emulator.admin("POST", "/traces/generate", asked)["trace_ids"]
    sdk(app).api_client.do("POST", f"/api/2.0/sql/warehouses/{WAREHOUSE}/start")
    body = {"statement": "SELECT 1", "warehouse_id": WAREHOUSE, "wait_timeout": "30s"}
    sdk(app).api_client.do("POST", "/api/2.0/sql/statements", body=body)
    return Standing(emulator, app, ids[-1], made.id)


LOOKS: dict[str, tuple[str, Callable[[Standing], Any]]] = {
    "prompts": ("/prompts", lambda at: prompts.history(at.app, "support")),
    "models": ("/registered-models|/model-versions", lambda at: production.model_aliases(at.app, MODEL)),
    "runs": ("/mlflow/runs", lambda at: evaluations.all(at.app)),
    "experiments": ("/mlflow/experiments", lambda at: apps.unused_experiments(at.app)),
    "logged models": ("/logged-models", lambda at: agents.versions(at.app)),
    "traces": ("/traces", lambda at: traces.get(at.app, at.trace_id)),
    "endpoints": ("/serving-endpoints", lambda at: at.app.platform.serving.endpoint(at.app, "support")),
    "environment": ("/api/2.0/serving", lambda at: environment.of(at.app)),
    "invocations": ("/invocations", lambda at: at.app.platform.serving.ask(at.app, "support", HELLO).text),
    "scorers": ("/scheduled-scorers", lambda at: at.app.platform.scoring.status(at.app)),
    "scorers' configuration": ("/managed-evals", lambda at: schedule.state(at.app)),
    "jobs": ("/jobs/", lambda at: at.app.platform.scoring.standstill(at.app)),
    "archive": ("/jobs/list", lambda at: archiving.state(at.app)),
    "labeling": ("/review-apps", lambda at: sessions.listed(at.app)),
    "datasets": ("/managed-evals/datasets", lambda at: datasets.rows(at.app, at.dataset_id)),
    "warehouse": ("/sql/", lambda at: warehouse.ask(at.app, "SELECT 1 AS one")),
    "secrets": ("/secrets/", lambda at: variables.of(at.app, at.client)),
    "catalog": ("/unity-catalog/(catalogs|schemas)", lambda at: making.make_missing(at.client.access, Place("acme", "llmops"))),
    "folders": ("/workspace/", lambda at: making.make_missing(at.client.access, Place(folder="/Shared/signalbox"))),
}  # fmt: skip


def saved(at: Standing, mark: str) -> Callable[[], object]:
    return lambda: prompts.save(at.app, "support", f"Hello {{{{name}}}} {mark}", mark)


def thought(at: Standing, mark: str) -> Callable[[], object]:
    return lambda: opinions.give(at.app, at.trace_id, True, mark)


def asked(at: Standing, mark: str) -> Callable[[], object]:
    return lambda: datasets.create(at.app, mark, [Row("", "Where?")])


def judged(at: Standing, mark: str) -> Callable[[], object]:
    """Registered anew, by a text of its own."""
    spec = scorers.save(at.app, ScorerSpec(mark, "guidelines", {"guidelines": [f"Be polite: {mark}"]}))
    others = [one for one in at.app.platform.scoring.status(at.app) if one.name == "kind"]
    return lambda: at.app.platform.scoring.apply(at.app, [*others, MonitoredScorer(mark, spec.version, 0.5, True)])


def served_as(at: Standing, mark: str) -> Callable[[], object]:
    """A version beside what is live, each time another one."""
    changing.settled(at.client, "support")
    return lambda: at.app.platform.serving.deploy(at.app, "support", number_of(mark), "", {})


def number_of(mark: str) -> int:
    return 2 + MET_BY_CHANGES.index(mark.partition("_")[2])


def handed_over(at: Standing, mark: str) -> Callable[[], object]:
    assert at.app.platform.compute is not None
    compute, errand = at.app.platform.compute, Errand(mark, mark, ("run",))
    return lambda: compute.submit(at.app, errand)


def labelled(at: Standing, mark: str) -> Callable[[], object]:
    """A version's alias in the registry, which other things than ours may read."""
    return lambda: production.move_model_alias(at.app, ModelAlias(MODEL, mark), None, 1, "tried")


def kept(at: Standing, mark: str) -> Callable[[], object]:
    return lambda: apps.create(
        at.app,
        AppForm(id=mark.replace("_", "-"), name=mark, company="Acme", model="m", endpoint=mark.replace("_", "-")),
    )


def versions_of(at: Standing, mark: str) -> int:
    changing.settled(at.client, "support")
    found = at.app.platform.serving.endpoint(at.app, "support")
    assert found is not None
    return [one.version for one in found.versions].count(number_of(mark))


CHANGES: dict[str, tuple[str, Callable[[Standing, str], Callable[[], object]], Callable[[Standing, str], int]]] = {
    "prompts": ("/prompts", saved, lambda at, mark: [one.note for one in prompts.history(at.app, "support")].count(mark)),
    "models": ("/registered-models|/model-versions", labelled, lambda at, mark: [*production.model_aliases(at.app, MODEL)].count(mark)),
    "feedback": ("/traces", thought, lambda at, mark: json.dumps(at.emulator.admin("GET", "/traces")).count(f'"rationale": "{mark}"')),
    "datasets": ("/managed-evals/datasets", asked, lambda at, mark: [one.name for one in datasets.all(at.app)].count(mark)),
    "scorers": ("/scheduled-scorers", judged, lambda at, mark: [one.name for one in schedule.state(at.app).registered].count(mark)),
    "endpoints": ("/api/2.0/serving-endpoints", served_as, versions_of),
    "experiments": ("/mlflow/experiments|/workspace/", kept, lambda at, mark: [one.name for one in apps.all(at.app)].count(mark)),
}  # fmt: skip
if sys.version_info[:2] in ENVIRONMENTS:  # elsewhere the form says that the workspace has no compute
    CHANGES |= {
        "runs": ("/jobs/runs/submit", handed_over, lambda at, mark: [one.run_name for one in sdk(at.app).jobs.list_runs()].count(mark)),
        "files": ("/api/2.0/workspace/", handed_over, lambda at, mark: [one.run_name for one in sdk(at.app).jobs.list_runs()].count(mark)),
    }  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What a call gave, or what the operator read; `met`: how many requests the fault could strike."""

    gave: Any
    said: str | None
    met: int


def under(standing: Standing, path: str, fault: dict[str, Any], call: Callable[[], Any]) -> Outcome:
    before = len(standing.emulator.requests(path))
    standing.emulator.fault(path, **fault)
    gave = said = None
    try:
        gave = call()
    except ConsoleError as error:
        assert error.remedy, f"no next step: {error}"
        said = str(error)
    finally:
        standing.emulator.admin("DELETE", "/rules")
    assert "<html" not in (said or "") and TOKEN not in (said or "")
    return Outcome(gave, said, len(standing.emulator.requests(path)) - before)


@pytest.mark.parametrize("family", LOOKS)
def test_a_look_is_right_or_tells_what_to_do(standing: Standing, family: str) -> None:
    path, look = LOOKS[family]
    right = look(standing)
    for fault in (*MET_BY_LOOKS, *MET_BY_CLIENTS.get(family, ())):
        found = under(standing, path, FAULTS[fault], lambda: look(standing))
        assert found.met, f"{fault}: it never met the fault"
        assert found.said or fault in PASSING, f"{fault}: nothing was said"
        assert found.said or found.gave == right, f"{fault}: it gave something else"


@pytest.mark.parametrize("family", CHANGES)
def test_a_change_is_made_once_or_tells_what_to_do(standing: Standing, family: str) -> None:
    path, prepare, count = CHANGES[family]
    for fault in MET_BY_CHANGES:
        mark = f"{family}_{fault}"
        change = prepare(standing, mark)
        found = under(standing, path, FAULTS[fault], change)
        assert found.met, f"{fault}: it never met the fault"
        assert found.said or fault in PASSING, f"{fault}: nothing was said"
        made = count(standing, mark)
        assert made <= 1 if found.said else made == 1, f"{fault}: made {made} times; said: {found.said}"
        if fault in STAYING:
            change()
            assert count(standing, mark) == 1, f"{fault}: what failed can be done again"

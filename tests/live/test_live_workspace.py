"""The walk of the release train on a real workspace, where one is named for it; it costs what docs/databricks.md says."""

import os

import pytest

from services.platforms import Target
from services.workspace import Workspace
from tests.live import walk
from tests.live.walk import Stay

pytest.importorskip("databricks.agents")
HOST, TOKEN, CATALOG = (f"SIGNALBOX_LIVE_{name}" for name in ("HOST", "TOKEN", "CATALOG"))
ID, SECRET = "SIGNALBOX_LIVE_CLIENT_ID", "SIGNALBOX_LIVE_CLIENT_SECRET"
MISSING = [name for name in (HOST, TOKEN, CATALOG) if not os.environ.get(name)]
HOURS = 3600

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"no real workspace is named: {', '.join(MISSING)} not set")


@pytest.fixture
def stay() -> Stay:
    """Two deployments take up to 15 minutes each as a rule; a job is given what a release itself waits at most."""
    return Stay(
        catalog=os.environ[CATALOG],
        token=os.environ[TOKEN],
        seconds=1.5 * HOURS,
        pause=10,
        parent=os.environ.get("SIGNALBOX_LIVE_FOLDER") or "/Shared",
        model=os.environ.get("SIGNALBOX_LIVE_MODEL") or "",
        target=Target(os.environ.get("SIGNALBOX_LIVE_TARGET") or Target.AGENT),
        principal=(os.environ[ID], os.environ[SECRET]) if os.environ.get(ID) else None,
    )


@pytest.fixture
def databricks_environ(environ: dict[str, str], stay: Stay) -> dict[str, str]:
    """In place of the emulated workspace's."""
    return environ | stay.environ | {"DATABRICKS_HOST": os.environ[HOST]}


@pytest.mark.timeout(6 * HOURS)
def test_prompt_to_production_and_back(databricks_workspace: Workspace, stay: Stay) -> None:
    with walk.visit(databricks_workspace, stay) as app:
        walk.prompt_to_production_and_back(app, stay)

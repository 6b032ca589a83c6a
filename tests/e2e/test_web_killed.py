"""Kill the web server in the middle of a release: the worker goes on, and the next server shows the proof."""

import re

from services import apps, datasets, people, releases, sample, settings
from services.processes.lock import held
from services.workspace import Workspace, connect
from tests.train.conftest import Train


def test_a_release_outlives_the_web_server(serve, visit, monkeypatch):
    server = serve()
    for name, value in server.environ.items():
        monkeypatch.setenv(name, value)
    config = settings.load(server.environ)
    workspace = Workspace(connect(config), people.identify(config, {}))
    workspace = workspace.for_app(apps.get(workspace, sample.app().id))
    rows = datasets.rows(workspace, str(workspace.app.dataset_id))[:8]
    apps.choose_dataset(workspace, datasets.create(workspace, "Eight questions", rows).id)
    apps.save_gate(workspace, apps.Gate({"mentions company": 0.9}, rows=8))
    train = Train(workspace.for_app(apps.get(workspace, workspace.app.id)))
    first = train.prompts()[0]
    agent = train.agent(first)
    train.evaluate(agent, first)

    release = train.start(agent, first)
    worker = server.pid("worker")
    server.kill("web")
    server.start()
    assert server.pid("worker") == worker
    assert train.finished(release).state is releases.State.LIVE
    shown = visit(server).open("releases", release=release.id)
    shown.sees_text(re.compile("Proof: the endpoint in Production answered with prompt version 1"))
    assert held(server.home / "run" / "worker.lock")

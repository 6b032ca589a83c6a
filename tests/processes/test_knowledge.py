"""The sample's documents open at the addresses that answers name as their sources."""

from starlette.applications import Starlette
from starlette.testclient import TestClient

from services import apps, sample
from services.agents import documents
from services.apps import AppForm
from services.processes import knowledge
from services.workspace import Workspace


def test_every_document_of_the_sample_opens_at_its_address(bare_workspace: Workspace) -> None:
    form = AppForm(id="sample", name="Sample", company="Acme", model="practice", endpoint="sample")
    read = documents.of_sample(bare_workspace.for_app(apps.create(bare_workspace, form, sample=True)))
    assert read is not None and documents.guess(read).doc_uri == "url"
    here = TestClient(Starlette(routes=knowledge.routes()), base_url=bare_workspace.settings.address)
    for row in read.rows:
        page = here.get(row["url"])
        assert page.status_code == 200 and f"<h1>{row['title']}</h1>" in page.text
    assert (
        here.get(sample.DOCUMENTS + "unknown-en").status_code
        == here.get(sample.DOCUMENTS + "returns-xx").status_code
        == 404
    )

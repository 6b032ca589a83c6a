"""Labeling sessions of a workspace on the Reviews screen: made by form, followed, taken in; the queues stay when it is away."""

import mlflow
import pytest
from mlflow.entities import AssessmentSource, AssessmentSourceType
from streamlit.testing.v1 import AppTest

from pages.components.screens import SCREENS
from services import datasets
from services.datasets import Row
from services.platforms.databricks.labeling import making, sessions, syncing
from services.reviews import Pick
from tests.pages.conftest import SHELL, texts
from tests.workspace.support import adopt, at_work, sdk

pytest.importorskip("databricks.agents")
pytestmark = pytest.mark.usefixtures("no_platform_of_other_tests")
SCREEN = next(one.file for one in SCREENS if one.name == "reviews")


@pytest.fixture
def app(databricks, databricks_workspace):
    workspace = adopt(databricks_workspace)
    databricks.admin("POST", "/traces/generate", {"experiment_id": workspace.app.experiment_id, "n": 2, "days": 1})
    return workspace


def opened():
    page = AppTest.from_file(str(SHELL), default_timeout=60)
    page.session_state["app"] = "support"
    page.session_state["language"] = "en"
    page.switch_page(SCREEN)
    return page.run()


def test_a_labeling_session_is_made_by_form_followed_and_taken_in(databricks, app):
    datasets.create(app, "questions", [Row("q1", "Where is my parcel?")])
    page = opened()
    assert "People who do not use this console" in texts(page)
    page.button(key="new-queue").click().run()
    page.radio(key="queue-where").set_value(True).run()
    assert "custom inputs of a request it cannot show" in texts(page) and "CAN_EDIT" in texts(page)
    page.text_input(key="queue-name").set_value("Doubtful answers")
    page.selectbox(key="queue-pick").set_value(Pick.RANDOM).run()
    page.number_input(key="queue-share").set_value(100.0)
    page.multiselect(key="queue-schemas").set_value(["guidelines"])
    page.button(key="make-labeling").click().run()
    assert "Nobody is named" in texts(page), "what was typed stays"
    page.multiselect(key="queue-assigned").set_value(["viewer@example.com"])
    page.button(key="make-labeling").click().run()
    assert not page.error
    made = at_work(app, making.run)
    assert made["answers"] == 2

    page = opened()
    (found, _), id = sessions.all(app)[0], made["session"]
    assert "Doubtful answers" in texts(page) and "viewer\\@example\\.com" in texts(page)
    assert found.page in {one.proto.url for one in page.get("link_button")} and "?o=" in found.page
    page.button(key=f"labeling-open-{id}").click().run()
    assert "Nobody has judged an answer to the end yet" in texts(page)
    items = f"/api/2.0/managed-evals/review-apps/{found.app}/labeling-sessions/{id}/items"
    item = sdk(app).api_client.do("GET", items)["items"][0]
    by = AssessmentSource(AssessmentSourceType.HUMAN, "viewer@example.com")
    mlflow.log_feedback(trace_id=item["source"]["trace_id"], name="helpful", value="no", source=by)
    sdk(app).api_client.do("PATCH", f"{items}/{item['item_id']}", body={"state": "COMPLETED"})
    page.run()
    table = page.dataframe[0].value
    assert ["helpful", "1"] in table.iloc[:, :2].values.tolist()
    page.button(key="labeling-take").click().run()
    assert "All of them are taken in" in texts(page) and not page.exception and not page.error

    page.button(key="labeling-sync").click().run()
    waiting = syncing.latest(app, id)
    assert waiting and waiting.live and waiting.args["dataset_id"] == "acme.llmops.questions" and not page.error

    databricks.fault("/managed-evals/", status=503)
    page = opened()
    assert "busy or away" in texts(page) and page.button(key="new-queue"), "the queues are there all the same"

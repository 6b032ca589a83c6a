"""When the first words of a stream left: as MLflow traces any stream, and whatever else stands in a span."""

import json
import time

import mlflow
import pytest

from services import readmodel, streaming, traces
from services.readmodel import Window
from services.readmodel.facts import SLOT_MS

BEGAN = 1_795_000_000_000_000_000


def span(*pieces, **changed):
    """A root span as MLflow stores it, whose pieces came at these milliseconds."""
    events = [
        {
            "name": f"mlflow.chunk.item.{number}",
            "time_unix_nano": BEGAN + millis * 1_000_000,
            "attributes": {"mlflow.chunk.value": json.dumps(given)},
        }
        for number, (millis, given) in enumerate(pieces)
    ]
    return {"start_time_unix_nano": BEGAN, "events": events} | changed


TEXT = {"type": "response.output_text.delta", "delta": "Good"}


@pytest.mark.parametrize(
    ("stored", "millis"),
    [
        (span((30, "Good"), (90, "morning")), 30),
        (span((10, {"type": "response.created"}), (250, TEXT), (300, TEXT)), 250),
        (span((10, {"type": "response.created"})), None),
        (span(), None),
        (span((30, "Good"), start_time_unix_nano="soon"), None),
        (span((-5, "Good")), None),
        (span(events="none"), None),
        (span(events=[None, 3, {"name": 7}, {"name": "mlflow.chunk.item.0", "time_unix_nano": "x"}]), None),
        (span(events=[{"name": "mlflow.chunk.item.0", "time_unix_nano": BEGAN, "attributes": ["x"]}]), 0),
        ({}, None),
    ],
)
def test_the_first_piece_with_words_counts(stored, millis):
    assert streaming.of_span(stored) == millis


@pytest.mark.parametrize("said", [None, "", "soon", "-3", "3.5", "²", "9" * 40, "999999999"])
def test_what_is_no_time_of_an_answer_is_none(said):
    assert streaming.told(said) is None


def test_a_stream_that_mlflow_traced_is_read_from_its_span(workspace):
    mlflow.set_experiment(experiment_id=workspace.app.experiment_id)

    @mlflow.trace
    def stream(question):
        yield "Good "
        yield "morning"

    assert "".join(stream("Hello")) == "Good morning"
    id = mlflow.get_last_active_trace_id()
    mlflow.flush_trace_async_logging()
    readmodel.catch_up(workspace, 5)

    first = traces.get(workspace, id).first
    end = (int(time.time() * 1000) // SLOT_MS + 1) * SLOT_MS
    total = readmodel.read(workspace, Window((end - 4 * SLOT_MS, end))).total
    assert first is not None and 0 <= first * 1000 <= mlflow.get_trace(id).info.execution_duration
    assert (total.count, total.streamed) == (1, 1)
    assert total.first[0] == pytest.approx(first * 1000, rel=0.01)

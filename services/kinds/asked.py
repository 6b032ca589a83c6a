"""A loaded agent of any kind: it takes a ResponsesAgent's request and gives a ResponsesAgent's answer."""

import time
from collections.abc import Generator, Iterator, Mapping
from typing import Any

import mlflow
from mlflow.entities import SpanType
from mlflow.pyfunc import PyFuncModel, ResponsesAgent

from services import streaming
from services.kinds import chat, python
from services.kinds.answers import answer_text, as_event, as_response, whole
from services.kinds.facts import Kind, kind_of
from services.kinds.fields import Fields, fields_of

Request = Mapping[str, Any]
LONGEST_PREVIEW = 1000


def load(model_uri: str, model_config: Mapping[str, Any] | None = None) -> "AskedAgent":
    return AskedAgent(mlflow.pyfunc.load_model(model_uri, model_config=dict(model_config) if model_config else None))


class AskedAgent:
    """`predict` and `predict_stream` as a ResponsesAgent has them; what MLflow does not trace itself gets a root span."""

    def __init__(self, model: PyFuncModel) -> None:
        self.model = model
        self.kind = kind_of(model.metadata)
        self.streams = _streams(model, self.kind)
        self.fields: Fields = fields_of(model.metadata) if self.kind in (Kind.PYTHON, Kind.FORM) else Fields()
        # What the check of the file found to be taken, where MLflow knows no signature.
        self._form = python.USUAL_FORMS.get(str((model.metadata.metadata or {}).get(python.FORM_KEY)))

    def predict(self, request: Request) -> dict[str, Any]:
        if self.kind is Kind.RESPONSES:
            return as_response(self.model.predict(dict(request)))
        with self._span(request) as span:
            answered = as_response(self._ask(request))
            span.set_outputs(answered)
            mlflow.update_current_trace(response_preview=answer_text(answered)[:LONGEST_PREVIEW])
            return answered

    def predict_stream(self, request: Request) -> Generator[dict[str, Any], None, None]:
        """Events; of an agent that does not stream, its whole answer."""
        if not self.streams:
            yield from whole(self.predict(request))
        elif self.kind is Kind.RESPONSES:
            yield from map(as_event, self.model.predict_stream(dict(request)))
        else:
            yield from self._chunks(request)

    def _ask(self, request: Request) -> Any:
        if self.kind is Kind.CHAT:
            return chat.response(self.model.predict(chat.request(request)))
        if self.fields.known:
            return self.model.predict(python.native(self.fields, request))
        return self._ask_somehow(request)

    def _ask_somehow(self, request: Request) -> Any:
        """Nothing says what it takes: the first of the usual forms that it takes is kept."""
        if self._form is not None:
            return self.model.predict(self._form(request))
        answered, self._form = python.first_taken(self.model.predict, request)
        return answered

    def _chunks(self, request: Request) -> Iterator[dict[str, Any]]:
        """A ChatAgent's pieces as events, under one span that a caller who hangs up ends too."""
        said: list[dict[str, Any]] = []
        pieces: list[str] = []
        with self._span(request) as span:
            try:
                for event in chat.events(self.model.predict_stream(chat.request(request)), said):
                    if event.get("delta") and not any(pieces):
                        _tell_first_words(span)
                    pieces.append(event.get("delta", ""))
                    yield event
            except GeneratorExit:
                span.set_outputs({"abandoned_after": "".join(pieces)})
                raise
            span.set_outputs({"object": "response", "output": said})
            mlflow.update_current_trace(response_preview=answer_text({"output": said})[:LONGEST_PREVIEW])

    def _span(self, request: Request) -> "_Root":
        return _Root(self.model, request)


class _Root:
    """The root span of an answer, with what a ResponsesAgent of ours says about a trace."""

    def __init__(self, model: PyFuncModel, request: Request) -> None:
        self._opened = mlflow.start_span("predict", span_type=SpanType.AGENT)
        self._model, self._request = model, request

    def __enter__(self) -> Any:
        span = self._opened.__enter__()
        span.set_inputs({"request": dict(self._request)})
        given, context = self._request.get("custom_inputs") or {}, self._request.get("context") or {}
        session = context.get("conversation_id") or given.get("session_id")
        user = context.get("user_id") or given.get("user_id")
        mlflow.update_current_trace(
            request_preview=python.question(self._request)[:LONGEST_PREVIEW],
            session_id=str(session) if session else None,
            user=str(user) if user else None,
            model_id=self._model.model_id,
        )
        return span

    def __exit__(self, *error: Any) -> None:
        self._opened.__exit__(*error)


def _tell_first_words(root: Any) -> None:
    """Lists and charts read what a trace says of itself; MLflow keeps the moment of each piece in its spans alone."""
    millis = (time.time_ns() - root.start_time_ns) // 1_000_000
    mlflow.update_current_trace(metadata={streaming.FIRST: str(millis)})


def _streams(model: PyFuncModel, kind: Kind) -> bool:
    """Whether it streams: a ResponsesAgent or ChatAgent inherits `predict_stream` but need not have one of its own."""
    if kind is Kind.RESPONSES:
        return type(model.get_raw_model()).predict_stream is not ResponsesAgent.predict_stream
    return kind is Kind.CHAT and chat.streams(model)

"""An agent of each kind, asked as a server asks it."""

import inspect
import typing
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pydantic
from mlflow.pyfunc import ChatAgent, PythonModel, PythonModelContext, ResponsesAgent
from mlflow.types.agent import ChatAgentChunk, ChatAgentMessage, ChatAgentResponse, ChatContext
from mlflow.types.responses import ResponsesAgentRequest, ResponsesAgentResponse, ResponsesAgentStreamEvent

from services.processes.probe.forms import Form, Talk, forms, hints, name_of
from services.processes.probe.notes import UNFORESEEN, Mismatch, UnknownForm, attempt


class Spoken(ABC):
    """An agent asked as a server asks it; `ask` returns text and ids, both may be empty."""

    answer: type[pydantic.BaseModel]
    event: type[pydantic.BaseModel]

    def __init__(self, agent: Any) -> None:
        self.agent = agent

    @abstractmethod
    def ask(self, talk: Talk, conversation: str) -> tuple[str, list[str]]: ...

    def stream(self, talk: Talk) -> Iterator[Any]:
        """The events of a streamed answer; none of an agent that does not stream."""
        yield from ()

    @property
    def streams(self) -> bool:
        return False


class Responses(Spoken):
    """A ResponsesAgent."""

    def ask(self, talk: Talk, conversation: str) -> tuple[str, list[str]]:
        context = {"conversation_id": conversation, "user_id": "check"}
        request = ResponsesAgentRequest.model_validate({"input": talk, "context": context})
        answer = fitting(ResponsesAgentResponse, self.agent.predict(request))
        items = [one for one in answer.get("output", []) if isinstance(one, dict)]
        return "".join(map(item_text, items)), [str(one["id"]) for one in items if one.get("id")]

    def stream(self, talk: Talk) -> Iterator[Any]:
        for event in self.agent.predict_stream(ResponsesAgentRequest.model_validate({"input": talk})):
            yield fitting(ResponsesAgentStreamEvent, event)

    @property
    def streams(self) -> bool:
        return type(self.agent).predict_stream is not ResponsesAgent.predict_stream


class Chat(Spoken):
    """A ChatAgent."""

    def ask(self, talk: Talk, conversation: str) -> tuple[str, list[str]]:
        context = ChatContext(conversation_id=conversation, user_id="check")
        answer = fitting(ChatAgentResponse, self.agent.predict(chat_messages(talk), context, None))
        said = [one if isinstance(one, dict) else {} for one in answer["messages"]]
        return "".join(str(one.get("content") or "") for one in said), [str(one["id"]) for one in said if one.get("id")]

    def stream(self, talk: Talk) -> Iterator[Any]:
        for chunk in self.agent.predict_stream(chat_messages(talk), None, None):
            yield fitting(ChatAgentChunk, chunk)

    @property
    def streams(self) -> bool:
        return type(self.agent).predict_stream is not ChatAgent.predict_stream


class Plain(Spoken):
    """A PythonModel or a function, saved and loaded again, so that MLflow holds it to its type hints."""

    def __init__(
        self, agent: Any, file: str, config: dict[str, Any] | None, folder: Path, artifacts: dict[str, str]
    ) -> None:
        saved = str(folder / "saved")
        mlflow.pyfunc.save_model(
            saved,
            python_model=file,
            model_config=config,
            artifacts=artifacts or None,
            pip_requirements=["mlflow"],
        )
        self.loaded = mlflow.pyfunc.load_model(saved)
        # MLflow ran the file once more: the classes it answers with, and what it keeps, are this one's.
        loaded = self.loaded.unwrap_python_model()
        super().__init__(loaded)
        self.takes, self.gives = hints(loaded.func if inspect.isfunction(agent) else loaded)
        self.form: Form | None = None
        self.taken: dict[str, Any] = {}

    def ask(self, talk: Talk, conversation: str) -> tuple[str, list[str]]:
        if not talk:
            if self.form is None or typing.get_origin(self.takes) is not list:
                return "", []
            answer = self.loaded.predict([])
        else:
            answer = self._predict(talk)
            self._check(answer)
        return written(answer), []

    def _predict(self, talk: Talk) -> Any:
        """Ask in the form of the type hint; without one the first of the usual forms that it takes is kept."""
        if self.form is not None:
            return self.loaded.predict(self.form.write(talk))
        tried = []
        for form in forms(self.takes):
            with attempt("") as one:
                answer = self.loaded.predict(form.write(talk))
                if self.takes is None and misread(answer):
                    raise TypeError("one question is no list of letters, and no column")
                self.form = form
                self.taken = as_kept(form, form.write(talk))
            if one.error is None:
                return answer
            tried.append(one.error)
        if len(tried) > 1 and all(isinstance(one, (*UNFORESEEN, mlflow.MlflowException)) for one in tried):
            raise UnknownForm from tried[-1]
        raise tried[0]

    def _check(self, answer: Any) -> None:
        if answer is None:
            raise Mismatch("str", "type NoneType")
        if self.gives is None or isinstance(answer, pd.DataFrame):
            return
        try:
            pydantic.TypeAdapter(self.gives, config={"arbitrary_types_allowed": True}).validate_python(answer)
        except pydantic.ValidationError as error:
            raise Mismatch(name_of(self.gives), f"type {type(answer).__name__}") from error


def spoken_by(
    agent: Any, file: str, config: dict[str, Any] | None, folder: Path, artifacts: dict[str, str]
) -> tuple[str, Spoken] | None:
    """The agent and its kind; None for an object that MLflow does not log as an agent."""
    if isinstance(agent, ResponsesAgent | ChatAgent):
        # As MLflow does before the first question, while it logs an agent and where it is served.
        agent.load_context(PythonModelContext(artifacts=artifacts, model_config=config or {}))
    if isinstance(agent, ResponsesAgent):
        return "ResponsesAgent", Responses(agent)
    if isinstance(agent, ChatAgent):
        return "ChatAgent", Chat(agent)
    if isinstance(agent, PythonModel) or inspect.isfunction(agent):
        return "PythonModel", Plain(agent, file, config, folder, artifacts)
    return None


def fitting(kind: type[pydantic.BaseModel], answer: Any) -> dict[str, Any]:
    """The answer as a dictionary; a server takes the class itself or a dictionary of its form."""
    if isinstance(answer, kind):
        return answer.model_dump(exclude_none=True)
    if not isinstance(answer, dict):
        raise Mismatch(kind.__name__, f"type {type(answer).__name__}")
    try:
        kind.model_validate(answer)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "answer"
        raise Mismatch(kind.__name__, f"{place}: {first['msg']}") from error
    return answer


def misread(answer: Any) -> bool:
    """Whether code that expects a table took the letters of a text for its rows, or code for a text took a column."""
    several = isinstance(answer, (list, pd.Series, pd.DataFrame)) and len(answer) != 1
    return several or ", dtype: " in written(answer)


def as_kept(form: Form, request: Any) -> dict[str, Any]:
    """The request as the agent's example: a table by its rows; one that MLflow makes no signature of, by its form."""
    if form.name:
        return {"form": form.name}
    if isinstance(request, pd.DataFrame):
        return {"table": request.to_dict("records")}
    return {"request": request}


def chat_messages(talk: Talk) -> list[ChatAgentMessage]:
    return [ChatAgentMessage(**turn) for turn in talk]


def item_text(item: dict[str, Any]) -> str:
    parts = item.get("content") or []
    return (
        "".join(str(part.get("text") or "") for part in parts if isinstance(part, dict))
        if isinstance(parts, list)
        else ""
    )


def written(answer: Any) -> str:
    return answer.to_json() if isinstance(answer, (pd.DataFrame, pd.Series)) else str(answer)

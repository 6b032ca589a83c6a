"""Runs the tools that were logged with an agent: functions of one file, and what MCP servers offer, each declared.

Nothing is kept between two requests: what waits for a person's yes stands in the answer, and comes back with the yes.
"""

import importlib.util
import json
import sys
import uuid
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

import mlflow
from mlflow.entities import SpanType

Item = dict[str, Any]
Messages = list[dict[str, Any]]
LONGEST = 50_000
SERVER = "tools"
# OpenAI's name for it; the call and how far it has come stand beside.
PROGRESS = "response.mcp_call.in_progress"
REFUSED = "A person was asked and refused. Do not use this tool for it again; say what that means for the question."
NAMES: dict[str, Any] = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list}


class Tools:
    """The functions and the servers, with what the model and the person who is asked are told of each tool."""

    def __init__(
        self, file: Path | None, declared: Sequence[Mapping[str, Any]], servers: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        self.declared = {str(one["name"]): dict(one) for one in declared}
        written = vars(loaded(file)) if file else {}
        self.functions: dict[str, Callable[..., Any]] = {
            name: written[name] for name, one in self.declared.items() if not one.get("server")
        }
        self.servers = {str(one["name"]): one for one in servers}

    @property
    def told(self) -> list[dict[str, Any]]:
        """As a model is told."""
        return [
            {"type": "function", "function": {name: one[name] for name in ("name", "description", "parameters")}}
            for one in self.declared.values()
        ]

    def asks(self, call: Mapping[str, Any]) -> bool:
        """Whether a person must say yes before it runs."""
        return bool(self.declared.get(call["name"], {}).get("asks"))

    def use(self, call: Mapping[str, str]) -> Iterator[Item]:
        """The call, how far it has come, then what came back; a failure came back too, for the model to read."""
        yield called(call)
        one = self.declared.get(call["name"], {})
        result = (yield from self._asked(one, call)) if one.get("server") else self._run(call)
        yield answered(call, result)

    def resume(self, items: Iterable[Item]) -> Iterator[Item]:
        """What a person's yes to earlier requests leads to; requests that nobody answered are made again."""
        for call, allowed in self._decided(list(items)):
            if allowed is None:
                yield self.requested(call)
            elif allowed:
                yield from self.use(call)

    def refused(self, items: Iterable[Item]) -> Iterator[Item]:
        """What the model reads where a person said no; nothing ran, so nobody else is told of a call."""
        for call, allowed in self._decided(list(items)):
            if allowed is False:
                yield called(call)
                yield answered(call, REFUSED)

    def requested(self, call: Mapping[str, str]) -> Item:
        """A request for a person's yes; its id is the call's, so that the call can be told from what comes back."""
        return {
            "type": "mcp_approval_request",
            "id": call["id"],
            "name": call["name"],
            "arguments": call["arguments"],
            "server_label": self.declared.get(call["name"], {}).get("server") or SERVER,
        }

    def _decided(self, items: list[Item]) -> Iterator[tuple[dict[str, str], bool | None]]:
        """The requests that led to nothing yet, with what a person said to each; None where nobody did."""
        said = {one["approval_request_id"]: one["approve"] for one in items if one["type"] == "mcp_approval_response"}
        done = {one["call_id"] for one in items if one["type"] == "function_call_output"}
        for one in items:
            if one["type"] == "mcp_approval_request" and one["id"] not in done and self.asks(one):
                yield {name: str(one[name]) for name in ("id", "name", "arguments")}, said.get(one["id"])

    def _run(self, call: Mapping[str, str]) -> str:
        name = call["name"]
        with mlflow.start_span(name, span_type=SpanType.TOOL) as span:
            with Attempt() as attempt:
                given = json.loads(call["arguments"] or "{}")
                span.set_inputs(given)
                result = misfit(self.declared.get(name), given) or written(self.functions[name](**given))
            if attempt.error is not None:
                span.record_exception(attempt.error)
                result = f"The tool failed: {type(attempt.error).__name__}: {attempt.error}"
            span.set_outputs(result)
        return result

    def _asked(self, declared: Mapping[str, Any], call: Mapping[str, str]) -> Generator[Item, None, str]:
        """What a server's tool gives back; meanwhile how far it has come."""
        # MLflow ships the module beside the agent, and only with servers.
        import signalbox_mcp  # type: ignore[import-not-found]

        # An active span would leak out of a generator between two events.
        span = mlflow.start_span_no_context(
            call["name"], span_type=SpanType.TOOL, parent_span=mlflow.get_current_active_span()
        )
        span.set_attribute("mcp_server", declared["server"])
        result = "The caller hung up."
        try:
            with Attempt() as attempt:
                given = json.loads(call["arguments"] or "{}")
                span.set_inputs(given)
                server = signalbox_mcp.Server.of(self.servers[declared["server"]])
                steps = signalbox_mcp.call(server, declared["tool"], given)
                result = written((yield from told(call, steps)))
            if attempt.error is not None:
                span.record_exception(attempt.error)
                result = f"The tool failed: {attempt.error}"
        finally:
            span.end(outputs=result)
        return result


def told(call: Mapping[str, str], steps: Generator[Item, None, str]) -> Generator[Item, None, str]:
    """Each step of a long tool as an event of the stream."""
    with closing(steps):
        while True:
            try:
                step = next(steps)
            except StopIteration as ended:
                return str(ended.value)
            yield {"type": PROGRESS, "item_id": call["id"], "output_index": 0, "sequence_number": 0, **step}


class Attempt:
    """Whatever a tool raises inside is kept: the model is told, and answers without it."""

    error: Exception | None = None

    def __enter__(self) -> "Attempt":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self.error = error if isinstance(error, Exception) else None
        return self.error is not None


def loaded(file: Path) -> ModuleType:
    """The file as a module of its own name: two agents in one process may bring different tools."""
    name = f"agent_tools_{uuid.uuid4().hex}"
    found = importlib.util.spec_from_file_location(name, file)
    if found is None or found.loader is None:
        raise ImportError(f"{file} is no Python file.")
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    found.loader.exec_module(module)
    return module


def messages(items: Iterable[Item]) -> Messages:
    """Calls with what came back, as a model reads them; a call without an answer is left out."""
    items = list(items)
    outputs = {one["call_id"]: one["output"] for one in items if one["type"] == "function_call_output"}
    found: Messages = []
    for one in items:
        if one["type"] == "function_call" and one["call_id"] in outputs:
            function = {"name": one["name"], "arguments": one["arguments"]}
            call = {"id": one["call_id"], "type": "function", "function": function}
            found.append({"role": "assistant", "content": None, "tool_calls": [call]})
            found.append({"role": "tool", "tool_call_id": one["call_id"], "content": str(outputs[one["call_id"]])})
    return found


def called(call: Mapping[str, str]) -> Item:
    return {
        "type": "function_call",
        "id": f"fc_{uuid.uuid4().hex}",
        "call_id": call["id"],
        "name": call["name"],
        "arguments": call["arguments"],
    }


def answered(call: Mapping[str, str], output: str) -> Item:
    return {"type": "function_call_output", "call_id": call["id"], "output": output}


def misfit(declared: Mapping[str, Any] | None, given: Any) -> str:
    """Why the tool cannot be used like this; empty when it can."""
    if declared is None:
        return "There is no such tool."
    schema = declared["parameters"]
    if not isinstance(given, dict):
        return "The arguments must be an object."
    unknown = sorted(given.keys() - schema["properties"].keys())
    missing = [name for name in schema.get("required", ()) if name not in given]
    wrong = [
        name for name, value in given.items() if name not in unknown and not fits(schema["properties"][name], value)
    ]
    told = {"Unknown": unknown, "Missing": missing, "Of another type": wrong}
    return " ".join(f"{what}: {', '.join(names)}." for what, names in told.items() if names)


def fits(schema: Mapping[str, Any], value: Any) -> bool:
    """Whether a value is of the declared type."""
    if "anyOf" in schema:
        return any(fits(one, value) for one in schema["anyOf"])
    if schema.get("type") == "null":
        return value is None
    if "enum" in schema and value not in schema["enum"]:
        return False
    if isinstance(value, bool):
        return schema["type"] == "boolean"
    if not isinstance(value, NAMES[schema["type"]]):
        return False
    return schema["type"] != "array" or all(fits(schema["items"], one) for one in value)


def written(result: Any) -> str:
    """What a tool returned, as the model reads it."""
    text = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"

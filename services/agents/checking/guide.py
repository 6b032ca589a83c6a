"""Turn a file that asks a chat model in a function into an agent's file, for the engineer to copy and go on from."""

import ast

from services.agents.checking.reading import AgentFile, Function
from services.agents.checking.source import UNREADABLE

ASKING = ("completions.create", "responses.create")
# Parameters that take the whole conversation; any other first parameter takes the question.
CONVERSATION = {"messages", "history", "conversation", "talk", "turns"}
LOOP = "import asyncio\nfrom concurrent.futures import ThreadPoolExecutor\n"
HEAD = """import uuid

import mlflow
from mlflow.pyfunc import ResponsesAgent
from mlflow.types.responses import ResponsesAgentRequest, ResponsesAgentResponse
"""
TAIL = '''

class Agent(ResponsesAgent):
    """Asks `{function}` with the request's messages; MLflow traces every question by itself."""

    def predict(self, request: ResponsesAgentRequest) -> ResponsesAgentResponse:
        messages = self.prep_msgs_for_cc_llm(request.input)
        text = {call}{unpacked} if messages else "Please ask a question."
        item = self.create_text_output_item(text=text, id=f"msg_{{uuid.uuid4().hex}}")
        return ResponsesAgentResponse(output=[item])


mlflow.models.set_model(Agent())
'''


def as_agent(source: str) -> str | None:
    """The file with a ResponsesAgent around its function that asks a model; None where there is no such function."""
    try:
        return _converted(source)
    except UNREADABLE:
        return None


def _converted(source: str) -> str | None:
    file = AgentFile(source, ast.parse(source))
    asking = next((node for node in file.tree.body if isinstance(node, Function) and _asks(file, node)), None)
    if asking is None or not asking.args.args or any(file.called(call) == "set_model" for call in file.calls):
        return None
    argument = "messages" if asking.args.args[0].arg in CONVERSATION else 'messages[-1]["content"]'
    waits = isinstance(asking, ast.AsyncFunctionDef)
    call = f"{asking.name}({argument})"
    # A server's own loop runs already: an answer that is awaited gets a thread of its own.
    call = f"ThreadPoolExecutor(1).submit(asyncio.run, {call}).result()" if waits else call
    unpacked = ".choices[0].message.content" if _returns_completion(file, asking) else ""
    # A file may have to begin with its docstring and its imports from the future.
    first = _first_line(file.tree)
    lines = _without_trials(file, asking.name, source)
    tail = TAIL.format(function=asking.name, call=call, unpacked=unpacked)
    head = (LOOP if waits else "") + HEAD.rstrip()
    parts = ("".join(lines[:first]).rstrip(), head, "".join(lines[first:]).strip())
    return "\n\n".join(part for part in parts if part) + "\n" + tail


def _without_trials(file: AgentFile, asking: str, source: str) -> list[str]:
    """The lines without trials at the top of the file, such as print(ask("Hi")): loading the agent would ask the model."""
    lines = source.splitlines(keepends=True)
    for node in file.tree.body:
        called = {file.called(call) for call in ast.walk(node) if isinstance(call, ast.Call)}
        if isinstance(node, ast.Expr) and called & {asking, "print", "input"} and node.end_lineno is not None:
            for number in range(node.lineno - 1, node.end_lineno):
                lines[number] = ""
    return lines


def _asks(file: AgentFile, node: ast.AST) -> bool:
    calls = (inner for inner in ast.walk(node) if isinstance(inner, ast.Call))
    return any(file.dotted(call.func).endswith(ASKING) for call in calls)


def _returns_completion(file: AgentFile, function: Function) -> bool:
    """Whether it hands back what the model's client returned, instead of the text in it."""
    found = [node.value for node in ast.walk(function) if isinstance(node, ast.Return)]
    returned = [one.value if isinstance(one, ast.Await) else one for one in found]
    return any(isinstance(one, ast.Call) and file.dotted(one.func).endswith("completions.create") for one in returned)


def _first_line(tree: ast.Module) -> int:
    """How many lines must stay first."""
    ends = [0]
    for node in tree.body:
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not docstring and not (isinstance(node, ast.ImportFrom) and node.module == "__future__"):
            break
        ends.append(node.end_lineno or 0)
    return ends[-1]

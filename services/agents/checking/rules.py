"""What can be seen in an agent's file without running it: one function per rule."""

import ast
import re
from collections.abc import Callable, Iterator

from services.agents.checking.findings import Finding
from services.agents.checking.reading import ENTRIES, AgentFile, answering, methods
from services.messages import Message
from services.secrets import KEY_TEXT

KEY_NAME = re.compile(r"(^|_)(api_?key|token|secret|password|passwd)$", re.IGNORECASE)
WRITTEN_KEY = re.compile(r"^(?=.*[0-9])[A-Za-z0-9+/_.=~-]{12,}$")
BROAD = {"Exception", "BaseException"}
LOOPS = {"asyncio.run", "asyncio.get_event_loop", "asyncio.new_event_loop", "nest_asyncio.apply"}
USER_CLIENTS = {"ModelServingUserCredentials"}


def no_set_model(file: AgentFile) -> Iterator[Finding]:
    if not any(file.called(call) == "set_model" for call in file.calls):
        yield Finding(
            Message("The file does not say which object is the agent."),
            Message("MLflow runs the file and takes the object that the file names."),
            Message("End the file with mlflow.models.set_model(…), with the agent in the brackets."),
            blocking=True,
        )


def written_secrets(file: AgentFile) -> Iterator[Finding]:
    yield from map(secret, sorted({*lines_of_keys(file.text), *_lines_of_key_names(file.tree)}))


def secret(line: int) -> Finding:
    return Finding(
        Message("A key or password is written in the file."),
        Message("The file is kept with every version of the agent, where everyone who may see the agent can read it."),
        Message(
            'Take it out and read it from the environment, for example os.environ["OPENAI_API_KEY"]. Make the '
            "written key invalid: others may have seen it."
        ),
        blocking=True,
        line=line,
    )


def lines_of_keys(text: str) -> Iterator[int]:
    """The lines of any text with something that looks like a key."""
    yield from (number for number, line in enumerate(text.splitlines(), 1) if KEY_TEXT.search(line))


def _lines_of_key_names(tree: ast.Module) -> Iterator[int]:
    """Where something named like a key gets a text that looks like one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            named: list[tuple[str, ast.expr]] = [(_last_name(target), node.value) for target in node.targets]
        elif isinstance(node, ast.Call):
            named = [(keyword.arg or "", keyword.value) for keyword in node.keywords]
        elif isinstance(node, ast.Dict):
            named = [(str(_text(key)), value) for key, value in zip(node.keys, node.values, strict=True) if key]
        else:
            continue
        yield from (value.lineno for name, value in named if KEY_NAME.search(name) and WRITTEN_KEY.match(_text(value)))


def traced_twice(file: AgentFile) -> Iterator[Finding]:
    for agent in file.agents:
        if not any(file.dotted(base).endswith("ResponsesAgent") for base in agent.bases):
            continue
        for function in (one for name, one in methods(agent).items() if name in ENTRIES):
            for mark in function.decorator_list:
                if file.dotted(mark.func if isinstance(mark, ast.Call) else mark) == "mlflow.trace":
                    yield _traced(function.name, mark.lineno)


def _traced(name: str, line: int) -> Finding:
    return Finding(
        Message("{name} carries @mlflow.trace.", name=name),
        Message(
            "MLflow traces a ResponsesAgent by itself. The decorator takes its place: the trace is no longer marked as an "
            "agent's, and streamed answers stay in pieces."
        ),
        Message("Remove the decorator from predict and predict_stream; functions that they call may keep theirs."),
        line=line,
    )


def latest_prompt(file: AgentFile) -> Iterator[Finding]:
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Constant) and re.search(r"@latest$", _text(node).strip(), re.IGNORECASE):
            yield loads_latest(node.lineno)


def loads_latest(line: int | None) -> Finding:
    return Finding(
        Message("A prompt is loaded with @latest."),
        Message("Every version that anyone saves then answers at once, before it was evaluated or approved."),
        Message("Load the alias that a release moves, for example prompts:/name@production, or one version."),
        line=line,
    )


def own_loop(file: AgentFile) -> Iterator[Finding]:
    for call in file.calls:
        name = file.dotted(call.func)
        if name in LOOPS or name.endswith(".run_until_complete"):
            yield Finding(
                Message("The file runs an event loop of its own with {name}.", name=name.lstrip("?.")),
                Message(
                    "A server that answers is a running loop already: there the call fails, or it holds up everyone."
                ),
                Message(
                    "Use the client's synchronous form, or run the loop in a thread of its own: "
                    "ThreadPoolExecutor().submit(asyncio.run, work()).result()."
                ),
                line=call.lineno,
            )


def user_client_too_early(file: AgentFile) -> Iterator[Finding]:
    within = {id(node) for agent in file.agents for one in answering(agent) for node in ast.walk(one)}
    for call in file.calls:
        if file.called(call) in USER_CLIENTS and id(call) not in within:
            yield Finding(
                Message("Credentials of the person who asks are made before anyone asks."),
                Message(
                    "Who asks is known only inside predict: made earlier, they belong to nobody or to someone else."
                ),
                Message("Make ModelServingUserCredentials() and the client that uses it inside predict."),
                blocking=True,
                line=call.lineno,
            )


def silent_default(file: AgentFile) -> Iterator[Finding]:
    for node in ast.walk(file.tree):
        if not isinstance(node, ast.Try) or not _loads_a_prompt(file, node):
            continue
        for handler in node.handlers:
            if _broad(handler) and not any(isinstance(inner, ast.Raise) for inner in ast.walk(handler)):
                yield Finding(
                    Message("When the prompt cannot be loaded, the agent goes on without it."),
                    Message("It then answers with a text that nobody released, and no screen shows that."),
                    Message("Remove the except around load_prompt, or raise again in it: a failed answer is seen."),
                    line=handler.lineno,
                )


def _loads_a_prompt(file: AgentFile, node: ast.Try) -> bool:
    inner = (one for part in node.body for one in ast.walk(part) if isinstance(one, ast.Call))
    return any(file.called(call) == "load_prompt" for call in inner)


def _broad(handler: ast.ExceptHandler) -> bool:
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(one is None or ast.unparse(one).rpartition(".")[2] in BROAD for one in caught)


def _last_name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _text(node: ast.AST) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


Rule = Callable[[AgentFile], Iterator[Finding]]
RULES: tuple[Rule, ...] = (
    no_set_model,
    written_secrets,
    traced_twice,
    latest_prompt,
    own_loop,
    user_client_too_early,
    silent_default,
)

"""State that an agent keeps between two questions: on itself, or in globals of its file."""

import ast
from collections.abc import Iterator

from services.agents.checking.findings import Finding
from services.agents.checking.reading import AgentFile, Function, answering, own_attribute, written_in
from services.messages import Message


def kept_between_questions(file: AgentFile) -> Iterator[Finding]:
    for agent in file.agents:
        for function in answering(agent):
            made_once = set(_made_once(function))
            for target, node in written_in(function):
                name = _on_self(target)
                if name and name not in made_once:
                    yield _finding(f"self.{name}", node)
    for function in (node for node in ast.walk(file.tree) if isinstance(node, Function)):
        yield from _globals(file, function)


def _finding(name: str, node: ast.AST) -> Finding:
    return Finding(
        Message("{name} changes while a question is answered.", name=name),
        Message(
            "One agent answers everyone, several at a time: what it keeps can show up in another person's answer, and a "
            "second server does not have it."
        ),
        Message("Use local variables, and take the earlier turns of a conversation from the request."),
        line=node.lineno if isinstance(node, (ast.stmt, ast.expr)) else None,
    )


def _on_self(target: ast.expr) -> str:
    while isinstance(target, ast.Subscript):
        target = target.value
    return own_attribute(target)


def _made_once(function: Function) -> Iterator[str]:
    """Attributes that are filled only while empty, like a client that is made at the first question."""
    for node in ast.walk(function):
        if isinstance(node, ast.If):
            test = node.test
            if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
                yield own_attribute(test.operand)
            if isinstance(test, ast.Compare) and ast.unparse(test).endswith(" is None"):
                yield own_attribute(test.left)


def _globals(file: AgentFile, function: Function) -> Iterator[Finding]:
    """Module names that a function rebinds, or whose list, dictionary or set it changes."""
    rebound = {name for node in ast.walk(function) if isinstance(node, ast.Global) for name in node.names}
    for target, node in written_in(function):
        name = _root(target)
        changes = isinstance(target, ast.Subscript) or isinstance(node, ast.Call)
        if name in rebound or (changes and name in _collections(file.tree) and name not in _locals(function)):
            yield _finding(name, node)


def _root(target: ast.expr) -> str:
    while isinstance(target, ast.Subscript):
        target = target.value
    return target.id if isinstance(target, ast.Name) else ""


def _collections(tree: ast.Module) -> set[str]:
    """Names at the top of the file that hold something that can be changed in place."""
    return {
        target.id
        for node in tree.body
        if isinstance(node, (ast.Assign, ast.AnnAssign))
        and isinstance(node.value, (ast.List, ast.Dict, ast.Set, ast.Call))
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }


def _locals(function: Function) -> set[str]:
    return {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}

"""An agent's file as its syntax tree, with the names that its imports stand for."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

ENTRIES = ("predict", "predict_stream")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class AgentFile:
    """The file is only read: nothing in it runs."""

    text: str
    tree: ast.Module

    @cached_property
    def imports(self) -> dict[str, str]:
        """The dotted name behind every imported local name."""
        found: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {one.asname: one.name for one in node.names if one.asname}
                found |= {
                    first: first for first in (one.name.partition(".")[0] for one in node.names if not one.asname)
                }
            elif isinstance(node, ast.ImportFrom):
                found |= {one.asname or one.name: f"{node.module or ''}.{one.name}" for one in node.names}
        return found

    @cached_property
    def constants(self) -> dict[str, str]:
        """Texts assigned to a name at the top of the file."""
        return {
            target.id: node.value.value
            for node in self.tree.body
            if isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
            for target in node.targets
            if isinstance(target, ast.Name)
        }

    @cached_property
    def calls(self) -> list[ast.Call]:
        return [node for node in ast.walk(self.tree) if isinstance(node, ast.Call)]

    @cached_property
    def agents(self) -> list[ast.ClassDef]:
        """The classes that answer."""
        return [
            node
            for node in ast.walk(self.tree)
            if isinstance(node, ast.ClassDef) and any(name in methods(node) for name in ENTRIES)
        ]

    def dotted(self, node: ast.expr) -> str:
        """`mlflow.models.set_model` for any way to write it; what is not a plain name counts as “?”."""
        if isinstance(node, ast.Name):
            return self.imports.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            return f"{self.dotted(node.value)}.{node.attr}"
        return "?"

    def called(self, call: ast.Call) -> str:
        """The last part of the name that is called."""
        return self.dotted(call.func).rpartition(".")[2]

    def text_of(self, node: ast.expr | None) -> str | None:
        """A text written in the file, directly or as a constant at its top; None for what is decided elsewhere."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        return self.constants.get(node.id) if isinstance(node, ast.Name) else None


def methods(agent: ast.ClassDef) -> dict[str, Function]:
    return {node.name: node for node in agent.body if isinstance(node, Function)}


def answering(agent: ast.ClassDef) -> list[Function]:
    """The methods that run for every question: the two entries and what they call on `self`."""
    known, waiting, found = methods(agent), list(ENTRIES), dict[str, Function]()
    while waiting:
        name = waiting.pop()
        if name in known and name not in found:
            found[name] = known[name]
            waiting += filter(None, map(own_attribute, ast.walk(known[name])))
    return list(found.values())


def own_attribute(node: ast.AST) -> str:
    """`something` in `self.something`, else empty."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
        return node.attr
    return ""


def written_in(function: Function) -> Iterator[tuple[ast.expr, ast.AST]]:
    """What a function assigns to or changes in place, with the place."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            yield from ((target, node) for target in node.targets)
        elif isinstance(node, ast.AugAssign) or (isinstance(node, ast.AnnAssign) and node.value is not None):
            yield node.target, node
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGING:
            yield node.func.value, node


CHANGING = frozenset({"append", "extend", "insert", "add", "update", "setdefault", "appendleft", "pop", "clear"})

"""The functions in a scorer's file, read without running anything."""

import ast
from collections.abc import Mapping
from typing import Any


def functions(source: str) -> dict[str, frozenset[str]]:
    """The functions that @scorer marks and their arguments, read without running anything; raises SyntaxError."""
    marked = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef) and _is_marked(node)]
    return {
        node.name: frozenset(one.arg for one in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs))
        for node in marked
    }


def needs_expectations(settings: Mapping[str, Any]) -> bool:
    """Whether the function asks for what was expected; code that cannot be read yet asks for nothing."""
    try:
        found = functions(str(settings["source"]))
    except (SyntaxError, ValueError, RecursionError):
        return False
    return "expectations" in found.get(str(settings["function"]), frozenset())


def _is_marked(node: ast.FunctionDef) -> bool:
    for one in node.decorator_list:
        called = one.func if isinstance(one, ast.Call) else one
        name = called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
        if name == "scorer":
            return True
    return False

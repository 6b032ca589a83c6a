"""The tools of the built-in agent: functions of a Python file, declared by their names, type hints and docstrings.

The file is only read here; it runs where the agent runs.
"""

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from services.errors import InvalidInputError
from services.messages import Message

LARGEST, MOST, MOST_PARAMETERS = 200_000, 20, 20
# What OpenAI and others take as a function's name.
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
PLAIN = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}
UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
# “order: the number of the order” in a docstring tells what a parameter is.
TOLD = re.compile(r"^\s*(?P<name>[A-Za-z_]\w*)(\s*\([^)]*\))?\s*:\s*(?P<text>\S.*)$")


@dataclass(frozen=True)
class Tool:
    """What the model is told of a function, or of a tool of an MCP `server`; `asks`: it runs only after a person's yes."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    asks: bool = False
    server: str = ""
    tool: str = ""

    @property
    def says(self) -> str:
        """The first line of its description."""
        return self.description.splitlines()[0]


def read(source: str, asked: Collection[str] = ()) -> tuple[Tool, ...]:
    """The tools of a file, those in `asked` waiting for a yes; raises InvalidInputError with what to mend."""
    if len(source) > LARGEST:
        raise InvalidInputError(Message("The file with tools is too large."), Message("Keep data out of it."))
    try:
        tree = ast.parse(source)
    except UNREADABLE as error:
        raise InvalidInputError(
            Message(
                "Line {line} of the file with tools is not Python: {reason}.",
                line=(error.lineno if isinstance(error, SyntaxError) else 0) or 0,
                reason=error.msg if isinstance(error, SyntaxError) else str(error)[:100],
            ),
            Message("Correct that line and choose the file again."),
        ) from error
    found = tuple(_tool(node) for node in _functions(tree))
    _check_number(found)
    return tuple(replace(one, asks=one.name in asked) for one in found)


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """Those at the top of the file whose names do not begin with an underscore."""
    for node in tree.body:
        if isinstance(node, ast.AsyncFunctionDef) and not node.name.startswith("_"):
            raise _refused(
                node.name,
                Message("it is written with async def"),
                Message("Write it with def: the agent answers each question in a thread of its own."),
            )
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node


def _check_number(found: tuple[Tool, ...]) -> None:
    if not found:
        raise InvalidInputError(
            Message("There is no tool in the file."),
            Message("Write each tool as a function at the top of the file: a name, typed parameters, a docstring."),
        )
    names = [one.name for one in found]
    if len(set(names)) < len(names):
        raise InvalidInputError(
            Message("Two tools of the file have the same name."), Message("Give every function a name of its own.")
        )
    if len(found) > MOST:
        raise InvalidInputError(
            Message("There are {n} tools; {limit} are allowed.", n=len(found), limit=MOST),
            Message("Models choose badly among many: begin the names of helper functions with an underscore."),
        )


def _tool(node: ast.FunctionDef) -> Tool:
    described = (ast.get_docstring(node) or "").strip()
    if not NAME.fullmatch(node.name):
        raise _refused(node.name, Message("its name is not plain"), Message("Use English letters, digits and _."))
    if not described:
        raise _refused(
            node.name,
            Message("it has no docstring"),
            Message("Say in its first line what it does: the model decides by that when to use it."),
        )
    return Tool(node.name, described, _parameters(node, described))


def _parameters(node: ast.FunctionDef, described: str) -> dict[str, Any]:
    """The parameters as a JSON schema, which is what models are told."""
    given = node.args
    if given.vararg or given.kwarg or given.posonlyargs or len(given.args + given.kwonlyargs) > MOST_PARAMETERS:
        raise _refused(
            node.name,
            Message("its parameters cannot be listed"),
            Message("Name every parameter, without * and /, and at most {most} of them.", most=MOST_PARAMETERS),
        )
    told = {found["name"]: found["text"] for line in described.splitlines() if (found := TOLD.match(line))}
    properties = {}
    for one in (*given.args, *given.kwonlyargs):
        about = {"description": told[one.arg]} if one.arg in told else {}
        properties[one.arg] = {**_schema(node.name, one), **about}
    optional = {one.arg for one in given.args[len(given.args) - len(given.defaults) :]}
    optional |= {one.arg for one, usual in zip(given.kwonlyargs, given.kw_defaults, strict=True) if usual}
    needed = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": needed, "additionalProperties": False}


def _schema(tool: str, parameter: ast.arg) -> dict[str, Any]:
    found = _of_type(parameter.annotation)
    if found is None:
        raise _refused(
            tool,
            Message("the type of its parameter “{name}” is not known", name=parameter.arg),
            Message("Write one of str, int, float, bool, list[…] of these, Literal[…], or one of them with | None."),
        )
    return found


def _of_type(hint: ast.expr | None) -> dict[str, Any] | None:
    if isinstance(hint, ast.Constant) and isinstance(hint.value, str):
        try:
            return _of_type(ast.parse(hint.value, mode="eval").body)
        except UNREADABLE:
            return None
    if isinstance(hint, ast.Name):
        return {"type": PLAIN[hint.id]} if hint.id in PLAIN else None
    if isinstance(hint, ast.BinOp) and isinstance(hint.op, ast.BitOr) and _is_none(hint.right):
        return _or_nothing(hint.left)
    if not isinstance(hint, ast.Subscript):
        return None
    name = ast.unparse(hint.value).rpartition(".")[2]
    if name in ("list", "List"):
        inner = _of_type(hint.slice)
        return {"type": "array", "items": inner} if inner else None
    if name == "Optional":
        return _or_nothing(hint.slice)
    return _choice(hint.slice) if name == "Literal" else None


def _or_nothing(hint: ast.expr) -> dict[str, Any] | None:
    inner = _of_type(hint)
    return {"anyOf": [inner, {"type": "null"}]} if inner else None


def _choice(values: ast.expr) -> dict[str, Any] | None:
    listed = values.elts if isinstance(values, ast.Tuple) else [values]
    found = [one.value for one in listed if isinstance(one, ast.Constant)]
    for of, name in ((str, "string"), (int, "integer")):
        if len(found) == len(listed) and all(type(one) is of for one in found):
            return {"type": name, "enum": found}
    return None


def _is_none(hint: ast.expr) -> bool:
    return isinstance(hint, ast.Constant) and hint.value is None


def _refused(name: str, what: Message, mend: Message) -> InvalidInputError:
    return InvalidInputError(Message("The function “{name}” cannot be a tool: {what}.", name=name, what=what), mend)

"""The packages that an agent's file imports, held against those that are logged with it."""

import ast
import functools
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from importlib import metadata
from pathlib import Path, PurePosixPath

from services.agents.checking.findings import Finding
from services.agents.checking.reading import AgentFile
from services.agents.requirements import USUAL
from services.messages import Message

# Modules that are shipped beside an agent.
BESIDE = Path(__file__).parent.parent.parent / "logged"
REQUIREMENT = re.compile(r"\s*([A-Za-z0-9._-]+)\s*(?:\[([^\]]*)\])?")
EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")


def missing_packages(
    file: AgentFile, requirements: Collection[str], own: Collection[str] = (), *, runs: bool = True
) -> Iterator[Finding]:
    """Imports that neither the standard library, nor the packages logged with the agent, nor its own files bring.

    They block although the package is installed here: what is served elsewhere would not start. Where it is not sure that
    the import runs at all, under a condition or in a file that the agent does not import (`runs`), it is good to know.
    """
    brought = {module for line in requirements or USUAL for module in _brought_by(*_named(line))}
    there = sys.stdlib_module_names | brought | {*own} | {module.stem for module in BESIDE.glob("*.py")}
    for top, (line, always) in _imports(file.tree).items():
        if top not in there:
            yield _missing(top, line, blocking=always and runs)


def imported(source: str, files: Mapping[str, str]) -> set[str]:
    """Those of `files` that the agent's file imports, or one that it imports; tests that lie beside it are not."""
    waiting, found = [source], set[str]()
    while waiting:
        named = set(_parts(waiting.pop()))
        new = {path for path in files if path.endswith(".py") and path not in found and _module(path) in named}
        found |= new
        waiting += [files[path] for path in new]
    return found


def _module(path: str) -> str:
    place = PurePosixPath(path)
    return place.parent.name if place.name == "__init__.py" else place.stem


def _parts(source: str) -> Iterator[str]:
    """Every part of every name that is imported: rather one file too many counts as imported than one too few."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [one.name for one in node.names] + [getattr(node, "module", None) or ""]
            yield from (part for name in names for part in name.split("."))


def _missing(top: str, line: int, *, blocking: bool) -> Finding:
    package = _installed_as(top)
    return Finding(
        Message("{name} is not among the packages that are logged with the agent.", name=top),
        Message("Where the agent is served, only those packages are installed: it would not start there."),
        Message("Add the line {line} to its packages, or do without it.", line=package)
        if package
        else Message("Do without it, or have {name} added to the agent's packages.", name=top),
        blocking=blocking,
        line=line,
        package=package,
    )


def _installed_as(top: str) -> str:
    """The line of the package that brings a module here; empty where none does, or several do."""
    owners = sorted({_key(owner) for owner in _distributions().get(top, ())})
    return f"{owners[0]}=={metadata.version(owners[0])}" if len(owners) == 1 else ""


def _imports(tree: ast.Module) -> dict[str, tuple[int, bool]]:
    """Each top-level module with the line that imports it first, and whether one that imports it stands under no condition."""
    found: dict[str, tuple[int, bool]] = {}
    optional, conditional = _optional(tree), _conditional(tree)
    nodes = (node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom)) and node not in optional)
    for node in sorted(nodes, key=lambda one: one.lineno):
        # What is imported relatively lies in the folder itself.
        for name in [one.name for one in node.names] if isinstance(node, ast.Import) else [_absolute(node)]:
            top = name.partition(".")[0]
            if top:
                line, always = found.get(top, (node.lineno, False))
                found[top] = line, always or node not in conditional
    return found


def _absolute(node: ast.ImportFrom) -> str:
    return "" if node.level else node.module or ""


def _optional(tree: ast.Module) -> set[ast.AST]:
    """What the file can do without: imports for the type checker or for trying it out, and ones whose failure it catches."""
    bodies: list[list[ast.stmt]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and _never_served(node.test):
            bodies.append(node.body)
        if isinstance(node, ast.Try) and any(_catches_imports(one) for one in node.handlers):
            bodies.append(node.body)
    return _within(bodies)


def _never_served(test: ast.expr) -> bool:
    written = ast.unparse(test)
    return written.endswith("TYPE_CHECKING") or written == "__name__ == '__main__'"


def _conditional(tree: ast.Module) -> set[ast.AST]:
    """What runs only sometimes: in a branch, or after something else failed."""
    branches = [node for node in ast.walk(tree) if isinstance(node, (ast.If, ast.ExceptHandler, ast.match_case))]
    return _within([[*node.body, *getattr(node, "orelse", [])] for node in branches])


def _within(bodies: list[list[ast.stmt]]) -> set[ast.AST]:
    return {inner for body in bodies for statement in body for inner in ast.walk(statement)}


def _catches_imports(handler: ast.ExceptHandler) -> bool:
    caught = ast.unparse(handler.type) if handler.type else "Exception"
    return any(name in caught for name in ("ImportError", "ModuleNotFoundError", "Exception"))


def _named(requirement: str) -> tuple[str, frozenset[str]]:
    """The package and its extras in a line like `pandas[excel]>=2`."""
    found = REQUIREMENT.match(requirement)
    extras = (found[2] or "").split(",") if found else []
    return _key(found[1]) if found else "", frozenset(_key(one.strip()) for one in extras if one.strip())


@functools.cache
def _brought_by(package: str, extras: frozenset[str]) -> frozenset[str]:
    """The modules of a package and of everything that it requires, as far as it is installed here."""
    modules: dict[str, set[str]] = {}
    for module, owners in _distributions().items():
        for owner in owners:
            modules.setdefault(_key(owner), set()).add(module)
    waiting, seen = [(package, extras)], set[tuple[str, frozenset[str]]]()
    while waiting:
        one = waiting.pop()
        if one not in seen:
            seen.add(one)
            waiting += map(_named, _needed(*one))
    return frozenset(module for name, _ in seen for module in modules.get(name, {name.replace("-", "_")}))


def _needed(package: str, extras: frozenset[str]) -> Iterator[str]:
    try:
        lines = metadata.requires(package) or []
    except metadata.PackageNotFoundError:
        return
    for line in lines:
        wanted = EXTRA.search(line)
        if wanted is None or _key(wanted[1]) in extras:
            yield line


@functools.cache
def _distributions() -> Mapping[str, list[str]]:
    """The packages that bring each module here; reading them all takes a while."""
    return metadata.packages_distributions()


def _key(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()

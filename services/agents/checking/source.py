"""Check an agent's file by reading it."""

import ast
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from services.agents import folder
from services.agents.checking.findings import Finding, in_order
from services.agents.checking.needs import undeclared_resources
from services.agents.checking.packages import imported, missing_packages
from services.agents.checking.reading import AgentFile
from services.agents.checking.rules import RULES, Rule, lines_of_keys, no_set_model, secret, written_secrets
from services.agents.checking.state import kept_between_questions
from services.errors import InvalidInputError
from services.messages import Message

NO_FILES: Mapping[str, str] = MappingProxyType({})
# What ast raises, also for zero bytes and for code that is nested too deeply.
UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)


def read(
    source: str,
    declared: Collection[str] = (),
    requirements: Collection[str] = (),
    files: Mapping[str, str] = NO_FILES,
) -> tuple[Finding, ...]:
    """What is wrong or risky in the file and those beside it; nothing in them runs.

    `declared`: resources written `kind:name`; `files`: texts by path.
    """
    found = list(_read(source, RULES, declared, requirements, folder.modules(files)))
    return in_order([*found, *read_beside(files, declared, requirements, imported(source, files))])


def read_beside(
    files: Mapping[str, str],
    declared: Collection[str] = (),
    requirements: Collection[str] = (),
    run: Collection[str] | None = None,
) -> tuple[Finding, ...]:
    """The same for files of which none names the agent; `run`: those that run with it, else all."""
    own, found = folder.modules(files), list[Finding]()
    rules = [rule for rule in RULES if rule is not no_set_model]
    for name, text in files.items():
        if name.endswith(".py"):
            within = _read(text, rules, declared, requirements, own, runs=run is None or name in run)
        else:
            within = [secret(line) for line in lines_of_keys(text)]
        found += [replace(one, file=name) for one in within]
    return in_order(found)


def _read(
    source: str,
    rules: Iterable[Rule],
    declared: Collection[str],
    requirements: Collection[str],
    own: Collection[str],
    *,
    runs: bool = True,
) -> Iterable[Finding]:
    try:
        file = AgentFile(source, ast.parse(source))
    except UNREADABLE as error:
        return (_not_python(error),)
    found = [finding for rule in rules for finding in rule(file)]
    found += kept_between_questions(file)
    found += missing_packages(file, requirements, own, runs=runs)
    found += undeclared_resources(file, declared)
    return found


def refuse_secrets(source: str, files: Mapping[str, str] = NO_FILES, name: str = folder.ENTRY) -> None:
    """Raise InvalidInputError for a file with a key in it: what a job is given is kept, and others can read it.

    `name`: what the person calls the file that names the agent.
    """
    for file, text in ((name, source), *files.items()):
        lines = _lines_with_keys(text) if file.endswith(".py") else list(lines_of_keys(text))
        if lines:
            raise InvalidInputError(
                Message("A key or password is written in line {line} of {name}.", line=lines[0], name=file),
                Message(
                    'Take it out and read it from the environment, for example os.environ["OPENAI_API_KEY"]. Make the '
                    "written key invalid: others may have seen it."
                ),
            )


def _lines_with_keys(source: str) -> list[int]:
    try:
        return [one.line or 0 for one in written_secrets(AgentFile(source, ast.parse(source)))]
    except UNREADABLE:
        return list(lines_of_keys(source))


def can_run(source: str) -> bool:
    """Whether running it could show more than reading it did."""
    try:
        return not list(no_set_model(AgentFile(source, ast.parse(source))))
    except UNREADABLE:
        return False


def _not_python(error: Exception) -> Finding:
    line = error.lineno if isinstance(error, SyntaxError) else None
    reason = error.msg if isinstance(error, SyntaxError) else str(error) or "it is nested too deeply"
    return Finding(
        Message("The file is not Python: {reason}.", reason=reason),
        Message("Nothing else in it can be checked before that."),
        Message("Correct that line and bring the file again."),
        blocking=True,
        line=line,
    )

"""What the form for a new agent asks, and what an agent's name and file must be."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services import prompts
from services.agents import config_files, folder, requirements, resources, servers, tools
from services.agents.resources import Rows
from services.errors import InvalidInputError
from services.messages import Message

LONGEST_NAME = 100
LONGEST_SOURCE = 1_000_000
LONGEST_CACHE = 3_600
MOST_TAGS = 50
IDENTIFIER = re.compile(r"[A-Za-z0-9_]{1,64}")
TAG = re.compile(r"[A-Za-z0-9_][\w .:/-]{0,99}")
ENVIRONMENT = re.compile(r"[\w .-]{0,60}")
OWN_TAGS = frozenset({"prompt_name", "prompt_alias", "prompt_uri", "app_version", "model_version", prompts.AUTHOR_TAG})
OWN_PREFIXES = ("mlflow.", "signalbox.")


@dataclass(frozen=True)
class AgentForm:
    """What the form asks for; without `source` the built-in agent is logged, with it that Python file (whose own name is `source_name`), beside the `files` it imports.

    A file that asks no prompt of the app has an empty `prompt_name` and no `first_version`; one that asks no model, or
    names it itself, an empty `llm_model`. What is left out is as usual: the app's cache seconds, its first smoke question as the example, the built-in agent's
    packages, a version identifier by the time. `tools` is the text of a file for the built-in agent, `asking_tools` are
    those that wait for a person's yes; `servers` are MCP servers, each as `servers.row` makes it. Resources, or system resources and scopes (an auth policy), never both.
    """

    name: str
    prompt_name: str
    first_version: int | None
    pinned: bool
    llm_model: str
    source: str | None = None
    temperature: float | None = None
    max_output_tokens: int | None = None
    constants: Mapping[str, str] = field(default_factory=dict)
    environment: str = ""
    prompt_cache_seconds: int | None = None
    example_question: str = ""
    example_inputs: Mapping[str, str] = field(default_factory=dict)
    pip_requirements: Sequence[str] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    version_identifier: str = ""
    resources: Rows = ()
    system_resources: Rows = ()
    user_scopes: Sequence[str] = ()
    documents: Mapping[str, Any] | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    llm_api: str = config_files.APIS[0]
    tools: str = ""
    asking_tools: Sequence[str] = ()
    servers: Sequence[Mapping[str, Any]] = ()
    source_name: str = folder.ENTRY

    @property
    def prompted(self) -> bool:
        """Whether it asks a prompt of the app."""
        return bool(self.prompt_name)


def check(form: AgentForm) -> None:
    """Raise InvalidInputError for the first thing that MLflow, or a server that installs the agent, would refuse."""
    _check_name(form)
    if form.source is not None:
        _check_source(form.source)
    _check_tools(form)
    folder.check(form.files)
    if sum(map(len, form.files.values())) > LONGEST_SOURCE:
        raise InvalidInputError(
            Message("The agent's files are too large together."), Message("Keep data out of the folder.")
        )
    resources.check(form.resources, form.system_resources, form.user_scopes)
    requirements.check(form.pip_requirements)
    config_files.check(form.constants)
    _check_surroundings(form)
    _check_tags(form.tags)
    config_files.check_value("question", form.example_question)
    _check_inputs(form.example_inputs)


def _check_name(form: AgentForm) -> None:
    if not form.name.strip():
        raise InvalidInputError(Message("The agent has no name."), Message("Type one that says what it does."))
    if len(form.name) > LONGEST_NAME:
        raise InvalidInputError(
            Message("The agent's name has {n} characters; {limit} are allowed.", n=len(form.name), limit=LONGEST_NAME),
            Message("Shorten it."),
        )
    if set(form.name) & set("/:.%\"'"):
        raise InvalidInputError(
            Message("“{name}” cannot be an agent's name.", name=form.name),
            Message("Use letters, digits, blanks and hyphens."),
        )
    if form.source is not None:
        return
    if not form.prompted:
        raise InvalidInputError(
            Message("The built-in agent needs a prompt."), Message("Choose one, or bring an agent file of your own.")
        )
    if not form.llm_model.strip():
        raise InvalidInputError(Message("No model is named."), Message("Type the name of the model that answers."))


def _check_tools(form: AgentForm) -> None:
    servers.check(form.servers)
    if form.servers and form.source is not None:
        raise InvalidInputError(
            Message("MCP servers are for the built-in agent; your own agent calls them itself."),
            Message("Take away the servers, or the agent file."),
        )
    if not form.tools:
        return
    if form.source is not None:
        raise InvalidInputError(
            Message("A file with tools is for the built-in agent; your own agent brings its tools itself."),
            Message("Take away the file with tools, or the agent file."),
        )
    known = {one.name for one in tools.read(form.tools)}
    missing = [name for name in form.asking_tools if name not in known]
    if missing:
        raise InvalidInputError(
            Message("There is no tool “{name}” in the file.", name=missing[0]),
            Message("Choose again which tools wait for a yes."),
        )


def _check_surroundings(form: AgentForm) -> None:
    if not ENVIRONMENT.fullmatch(form.environment):
        raise InvalidInputError(
            Message("“{name}” cannot be an environment's name.", name=form.environment[:100]),
            Message("Use up to 60 letters, digits, blanks, hyphens and dots, such as staging."),
        )
    if form.prompt_cache_seconds is not None and not 0 <= form.prompt_cache_seconds <= LONGEST_CACHE:
        raise InvalidInputError(
            Message("The agent cannot keep a prompt for {n} seconds.", n=form.prompt_cache_seconds),
            Message("Choose between 0 and {most} seconds.", most=LONGEST_CACHE),
        )
    if form.version_identifier and not IDENTIFIER.fullmatch(form.version_identifier):
        raise InvalidInputError(
            Message("“{name}” cannot be a version identifier.", name=form.version_identifier[:100]),
            Message("Use letters, digits and underscores, such as git_1a2b3c4d or v_20261121_130000."),
        )


def _check_tags(tags: Mapping[str, str]) -> None:
    if len(tags) > MOST_TAGS:
        raise InvalidInputError(
            Message("There are {n} tags; {limit} are allowed.", n=len(tags), limit=MOST_TAGS),
            Message("Take some away."),
        )
    for name, value in tags.items():
        if name in OWN_TAGS or name.startswith(OWN_PREFIXES):
            raise InvalidInputError(
                Message("The tag “{name}” is set by the console or by MLflow.", name=name),
                Message("Choose another name."),
            )
        if not TAG.fullmatch(name):
            raise InvalidInputError(
                Message("“{name}” cannot be a tag's name.", name=name[:100]),
                Message("Use letters, digits, blanks and . _ - / : and begin with a letter or digit."),
            )
        config_files.check_value(name, value)


def _check_inputs(inputs: Mapping[str, str]) -> None:
    if "variables" in inputs:
        raise InvalidInputError(
            Message("“variables” cannot be an input: it holds the prompt's variables."), Message("Choose another name.")
        )
    for name, value in inputs.items():
        config_files.check_value(name, value)


def _check_source(source: str) -> None:
    if len(source) > LONGEST_SOURCE:
        raise InvalidInputError(Message("The agent's file is too large."), Message("Keep data out of the file."))
    try:
        compile(source, "agent.py", "exec")
    except SyntaxError as error:
        raise InvalidInputError(
            Message(
                "Line {line} of the agent's file is not Python: {reason}.", line=error.lineno or 0, reason=error.msg
            ),
            Message("Correct that line and choose the file again."),
        ) from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise InvalidInputError(
            Message("The agent's file cannot be read as Python."), Message("Correct it and choose it again.")
        ) from error
    if "set_model(" not in source:
        raise InvalidInputError(
            Message("The agent's file does not say which object is the agent."),
            Message("End it with mlflow.models.set_model(…) and choose it again."),
        )

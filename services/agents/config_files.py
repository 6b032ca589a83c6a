"""An agent's model config: what would be logged, as a YAML file per environment, and what such a file says."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from services import production, secrets, yamls
from services.errors import InvalidInputError
from services.messages import Message

if TYPE_CHECKING:
    from services.agents.form import AgentForm
    from services.workspace import Workspace

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,10})?")
# Filled by the app, by the request, or by MLflow's own call.
TAKEN = frozenset({"question", "self", "allow_partial", "use_jinja_sandbox"})
OF_THE_CONSOLE = frozenset(
    {"prompt_name", "prompt_alias", "prompt_version", "llm_model", "company_name", "constants", "prompt_cache_seconds"}
    | {"temperature", "max_output_tokens", "environment", "app_version", "documents", "documents_shown"}
    | {"llm_api", "pinned_version", "tools", "mcp_servers"}
)
FIELDS = ("llm_model", "llm_api", "temperature", "max_output_tokens", "prompt_cache_seconds", "environment")
BOUNDS = {"temperature": (0, 2), "max_output_tokens": (1, 1_000_000), "prompt_cache_seconds": (0, 3_600)}
APIS = ("chat", "responses")
MOST, LONGEST_VALUE, LARGEST_FILE = 100, 5_000, 200_000


@dataclass(frozen=True)
class ConfigFile:
    """What a config file sets: `fields` of the form by their name in the config, and constants as they are typed."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    content: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Difference:
    """One value that would be logged, and what the file has instead; None where there is none."""

    name: str
    logged: Any
    file: Any


def of(workspace: "Workspace", form: "AgentForm", identifier: str = "") -> dict[str, Any]:
    """The model config that would be logged: constants stand in it by their own names, and together as texts.

    Code that was brought reads `config.get("top_k")`; the built-in agent fills prompt variables from `constants`.
    """
    constants = {name: typed(value) for name, value in form.constants.items()}
    return (
        constants
        | _of_prompt(workspace, form)
        | {
            "llm_model": form.llm_model,
            "llm_api": form.llm_api,
            "company_name": workspace.app.company,
            "constants": {**workspace.app.constants, **form.constants},
            "temperature": form.temperature,
            "max_output_tokens": form.max_output_tokens,
            "environment": form.environment,
            "app_version": identifier,
        }
    )


def _of_prompt(workspace: "Workspace", form: "AgentForm") -> dict[str, Any]:
    """Nothing for a file that asks no prompt of the app."""
    if not form.prompted or form.first_version is None:
        return {}
    cache = form.prompt_cache_seconds
    return {
        "prompt_name": workspace.full_name(form.prompt_name),
        "prompt_alias": production.pin_alias(form.first_version) if form.pinned else production.ALIAS,
        # Code that was brought may know no other way; MLflow asks it before anything is released.
        "prompt_version": str(form.first_version) if form.pinned and form.source is not None else "",
        "pinned_version": str(form.first_version) if form.pinned else "",
        "prompt_cache_seconds": workspace.app.prompt_cache_seconds if cache is None else cache,
    }


def typed(value: str) -> str | int | float | bool:
    """A constant as code reads it: plain numbers, true and false are what they look like, all else stays text."""
    if value in ("true", "false"):
        return value == "true"
    if not NUMBER.fullmatch(value):
        return value
    number = float(value) if "." in value else int(value)
    # A number that is written back differently (1.50) was meant as text.
    return number if str(number) == value else value


def written(config: Mapping[str, Any], environment: str) -> bytes:
    """The config as a YAML file for one environment."""
    return yaml.safe_dump({**config, "environment": environment}, allow_unicode=True, sort_keys=False).encode()


def read(content: bytes) -> ConfigFile:
    """What a YAML file sets; raises InvalidInputError with what to mend."""
    found = _mapping(content)
    own = found.get("constants") or {}
    if not isinstance(own, dict):
        raise _nested("constants")
    loose = {name: value for name, value in found.items() if name not in OF_THE_CONSOLE}
    constants = {str(name): _text(str(name), value) for name, value in {**own, **loose}.items()}
    check(constants)
    fields = {name: _field(name, found[name]) for name in FIELDS if found.get(name) is not None}
    return ConfigFile(fields, constants, found)


def differences(config: Mapping[str, Any], file: ConfigFile) -> tuple[Difference, ...]:
    """What the file has otherwise than the config; what the form asks itself counts only where the file names it."""
    now, then = (_flat(one) for one in (config, file.content))
    left_out = {"app_version", *(name for name in OF_THE_CONSOLE if name not in then)}
    names = [name for name in dict.fromkeys([*now, *then]) if name not in left_out]
    return tuple(Difference(name, now.get(name), then.get(name)) for name in names if now.get(name) != then.get(name))


def check(constants: Mapping[str, str]) -> None:
    """Raise InvalidInputError for a constant that the agent could not be given."""
    if len(constants) > MOST:
        raise InvalidInputError(
            Message("There are {n} constants; {limit} are allowed.", n=len(constants), limit=MOST),
            Message("Take away those that the agent does not read."),
        )
    for name, value in constants.items():
        if name in OF_THE_CONSOLE | TAKEN:
            raise InvalidInputError(
                Message("“{name}” cannot be a constant: the console or the question sets it.", name=name),
                Message("Choose another name, or use the field of the form."),
            )
        if not NAME.fullmatch(name):
            raise InvalidInputError(
                Message("“{name}” cannot be a constant's name.", name=name[:100]),
                Message("Use letters, digits and underscores, beginning with a letter."),
            )
        check_value(name, value)


def check_value(name: str, value: str) -> None:
    """Raise InvalidInputError for a value that is too long, or that everyone who reads the agent must not read."""
    if len(value) > LONGEST_VALUE:
        raise InvalidInputError(
            Message("“{name}” has {n} characters; {limit} are allowed.", name=name, n=len(value), limit=LONGEST_VALUE),
            Message("Shorten it."),
        )
    if secrets.masked(value) != value:
        raise InvalidInputError(
            Message(
                "The value of “{name}” looks like an access key, and everyone who reads the agent would read it.",
                name=name,
            ),
            Message("Give the key to the endpoint as a secret, and let the agent read it from its environment."),
        )


def _mapping(content: bytes) -> dict[str, Any]:
    if len(content) > LARGEST_FILE:
        raise InvalidInputError(Message("The config file is too large."), Message("Keep data out of it."))
    try:
        found = yamls.parsed(content)
    except yamls.References as error:
        raise InvalidInputError(
            Message("The config file refers to parts of itself (* in YAML)."), Message("Write those parts out.")
        ) from error
    # What YAML itself raises, and what its readers of dates and numbers do.
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, LookupError, OverflowError, RecursionError) as error:
        raise InvalidInputError(
            Message("The config file is not YAML: {reason}.", reason=secrets.masked(_where(error))),
            Message("Correct it and choose it again."),
        ) from error
    if not isinstance(found, dict):
        raise InvalidInputError(
            Message("The config file holds no names with values."), Message("Write one “name: value” per line.")
        )
    return {str(name): value for name, value in found.items()}


def _where(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"{error.problem}, line {error.problem_mark.line + 1}"
    return type(error).__name__


def _field(name: str, value: Any) -> Any:
    """A value that its field of the form can show."""
    text = name in ("llm_model", "llm_api", "environment")
    kinds: tuple[type, ...] = (str,) if text else (int, float) if name == "temperature" else (int,)
    fits = isinstance(value, kinds) and not isinstance(value, bool)
    if name == "llm_api":
        fits = value in APIS
    if not fits or (not text and not BOUNDS[name][0] <= value <= BOUNDS[name][1]):
        raise InvalidInputError(
            Message("“{name}” in the config file cannot be “{value}”.", name=name, value=str(value)[:100]),
            Message("Correct it and choose it again."),
        )
    return value


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        raise _nested(name)
    return "" if value is None else str(value)


def _nested(name: str) -> InvalidInputError:
    return InvalidInputError(
        Message("“{name}” in the config file holds more than one value.", name=name),
        Message("Give every value a name of its own; code that needs lists can split a text."),
    )


def _flat(config: Mapping[str, Any]) -> dict[str, Any]:
    """Constants one by one, whichever of the two places they stand in."""
    own = config.get("constants") or {}
    loose = {name: value for name, value in config.items() if name not in OF_THE_CONSOLE}
    constants = {name: _text(name, value) for name, value in {**own, **loose}.items()}
    return {name: value for name, value in config.items() if name in OF_THE_CONSOLE - {"constants"}} | constants

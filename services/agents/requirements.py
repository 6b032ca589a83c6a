"""The packages that an agent is logged with: pinned, so that MLflow infers nothing and a server installs the same."""

import functools
import re
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

import mlflow

from services.errors import InvalidInputError, translated
from services.messages import Message

USUAL = ("mlflow", "openai")
PINNED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(\[[A-Za-z0-9._, -]+\])?\s*==\s*([A-Za-z0-9][A-Za-z0-9.!+_-]*)")
CREDENTIALS = re.compile(r"://[^/\s]*@")
MOST = 200


def defaults() -> tuple[str, ...]:
    """What the built-in agent needs, as installed here."""
    return tuple(f"{name}=={version(name)}" for name in USUAL)


def added(given: Sequence[str], needed: Sequence[str]) -> list[str]:
    """The packages that were listed, else the usual ones, with those of `needed` that are not among them."""
    listed = list(given or defaults())
    names = {_plain(line) for line in listed}
    return [*listed, *(line for line in needed if _plain(line) not in names)]


def lines(text: str) -> tuple[str, ...]:
    """The packages of a text, one per line; blank lines and comments count for nothing."""
    written = (line.split("#")[0].strip() if "://" not in line else line.strip() for line in text.splitlines())
    return tuple(line for line in written if line)


@functools.lru_cache(maxsize=100)
def of(tracking_uri: str, model_id: str) -> tuple[str, ...]:
    """The packages that an agent version was logged with, which never change. Raises ConsoleError when its files are missing."""
    with translated(Message("Reading the agents"), foreign=True):
        address = mlflow.get_logged_model(model_id).artifact_location
        return lines(mlflow.artifacts.load_text(f"{address}/requirements.txt"))


def check(wanted: Sequence[str]) -> None:
    """Raise InvalidInputError for the first line that is not pinned, or pinned to another version than is installed."""
    if not wanted:
        return
    if len(wanted) > MOST:
        raise InvalidInputError(
            Message("{n} packages are listed; {limit} are allowed.", n=len(wanted), limit=MOST),
            Message("List what the agent imports; what those need is installed with them."),
        )
    names = [_checked(number, line) for number, line in enumerate(wanted, 1)]
    if "mlflow" not in names:
        raise InvalidInputError(
            Message("The packages do not contain mlflow, which loads the agent."),
            Message("Add the line mlflow=={version}.", version=version("mlflow")),
        )
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise InvalidInputError(
            Message("The package {name} is listed twice.", name=twice[0]), Message("Keep one of the two lines.")
        )


def _checked(number: int, line: str) -> str:
    """The package's name, as indexes compare names."""
    if CREDENTIALS.search(line):
        raise InvalidInputError(
            Message("Line {number} of the packages contains an address with a password or token.", number=number),
            Message("Take it out and change that password: everyone who can read the agent would read it."),
        )
    found = PINNED.fullmatch(line)
    if found is None:
        raise InvalidInputError(
            Message(
                "Line {number} of the packages is not pinned to one version: {line}", number=number, line=line[:100]
            ),
            Message("Write it like openai=={version}: a name, ==, a version.", version=version("openai")),
        )
    name, _, wanted = found.groups()
    here = _installed(name)
    if here is not None and here != wanted:
        raise InvalidInputError(
            Message("{name} is pinned to {wanted}, but {here} is installed.", name=name, wanted=wanted, here=here),
            Message("Pin {name}=={here}: the agent is tried here with what is installed.", name=name, here=here),
        )
    return _plain(name)


def _plain(line: str) -> str:
    """The package's name, as indexes compare names."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[=\s]", line, maxsplit=1)[0]).lower()


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None

"""Suites of metrics that MLflow bridges: whether they are installed here, and whether they fit."""

import importlib.metadata
import importlib.util
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from mlflow.exceptions import MlflowException

from services.errors import NotReadyError
from services.messages import Message


@dataclass(frozen=True)
class Suite:
    """`module` is the package and MLflow's bridge to it; `threshold`: its metrics pass and fail by one.

    `beside` is what else must be installed for it to be imported.
    """

    name: str
    module: str
    threshold: bool
    beside: str = ""

    @property
    def installed(self) -> bool:
        return importlib.util.find_spec(self.module) is not None

    @property
    def command(self) -> str:
        """How an engineer installs it, or the newest that fits."""
        return f"pip install -U {self.module} {self.beside}".strip()

    @property
    def version(self) -> str:
        return importlib.metadata.version(self.module)


ALL = (Suite("DeepEval", "deepeval", True), Suite("Ragas", "ragas", False, '"langchain-community<0.4"'))


def of(module: str) -> Suite:
    return next(one for one in ALL if one.module == module)


def check(settings: Mapping[str, Any]) -> None:
    """Raises NotReadyError for a metric whose suite is not installed here."""
    suite = of(str(settings["scorer"]).partition(".")[0])
    if not suite.installed:
        raise NotReadyError(
            Message("{name} is not installed.", name=suite.name),
            Message("An engineer adds it with: {command}", command=suite.command),
        )


@contextmanager
def fitting(suite: Suite) -> Iterator[None]:
    """A suite of another version than MLflow's bridge knows fails to import, or lacks the metric: that is said so."""
    try:
        yield
    except (ImportError, MlflowException, TypeError) as error:
        raise NotReadyError(
            Message(
                "{name} {version} does not fit MLflow's bridge: {reason}",
                name=suite.name,
                version=suite.version,
                reason=str(error)[:200],
            ),
            Message(
                "An engineer installs a version that fits, for example with: {command}",
                command=suite.command,
            ),
        ) from error

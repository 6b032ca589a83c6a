"""Metrics of other suites that MLflow bridges (DeepEval, Ragas): chosen by form where the suite is installed."""

import importlib
import importlib.metadata
import importlib.util
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from mlflow.entities import Feedback, Trace
from mlflow.exceptions import MlflowException
from mlflow.genai.scorers import Scorer

from services.errors import NotReadyError
from services.messages import Message
from services.scorers import catalogue, kinds
from services.scorers.built import question_text
from services.scorers.provided import ProvidedScorer, missing
from services.scorers.records import ScorerSpec
from services.settings import Settings

# Neither suite may tell its makers what is judged, nor leave files in the working folder.
QUIET = {
    "DEEPEVAL_TELEMETRY_OPT_OUT": "YES",
    "DEEPEVAL_DISABLE_DOTENV": "1",
    "DEEPEVAL_FILE_SYSTEM": "READ_ONLY",
    "RAGAS_DO_NOT_TRACK": "true",
}


@dataclass(frozen=True)
class Suite:
    """`module` is the package and MLflow's bridge to it; `threshold`: its metrics pass and fail by one."""

    name: str
    module: str
    threshold: bool

    @property
    def installed(self) -> bool:
        return importlib.util.find_spec(self.module) is not None

    @property
    def version(self) -> str:
        return importlib.metadata.version(self.module)


ALL = (Suite("DeepEval", "deepeval", True), Suite("Ragas", "ragas", False))


def of(module: str) -> Suite:
    return next(one for one in ALL if one.module == module)


def check(settings: Mapping[str, Any]) -> None:
    """Raises NotReadyError for a metric whose suite is not installed here."""
    suite = of(str(settings["scorer"]).partition(".")[0])
    if not suite.installed:
        raise NotReadyError(
            Message("{name} is not installed.", name=suite.name),
            Message("An engineer adds it with: {command}", command=f"pip install {suite.module}"),
        )


class SuiteScorer(ProvidedScorer):
    """One metric of a suite; its verdict is read as passed, failed or a number from 0 to 1."""

    def set_up(
        self, spec: ScorerSpec, settings: Mapping[str, Any], console: Settings, called: Callable[[], None] | None
    ) -> "SuiteScorer":
        """The suite is imported here, in the job's own thread: some of what they bring refuses to start in another."""
        super().set_up(spec, settings, console, called)
        self._metric()
        return self

    def _judged(self, inputs: Any, answer: str, expectations: dict[str, Any], trace: Trace | None) -> Feedback:
        needed = kinds.needs(self._spec)
        code, reason = missing(needed, expectations, trace, None)
        if reason:
            return self._nothing_to_judge(code, reason)
        if needed.judge:
            self._reach()
        # A metric keeps what it found in itself, and answers are judged side by side: each gets one of its own.
        given: Any = self._metric()(
            inputs=question_text(inputs),
            outputs=answer,
            expectations={"expected_output": expectations["expected_response"]} if needed.expected else None,
            trace=trace if needed.documents or needed.tools else None,
        )
        return self._read([given], catalogue.of(self._spec).gives)

    def _metric(self) -> Scorer:
        check(self._settings)
        os.environ.update(QUIET)
        module, _, metric = str(self._settings["scorer"]).partition(".")
        settings: dict[str, Any] = {"model": self._judge} if kinds.needs_judge(self._spec) else {}
        if of(module).threshold:
            settings["threshold"] = float(self._settings["threshold"])
        with fitting(of(module)):
            made: Scorer = importlib.import_module(f"mlflow.genai.scorers.{module}").get_scorer(metric, **settings)
        return made


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
                command=f"pip install -U {suite.module}",
            ),
        ) from error

"""Metrics of DeepEval and Ragas as scorers, by MLflow's bridges to them."""

import importlib
import os
from collections.abc import Callable, Mapping
from typing import Any

from mlflow.entities import Feedback, Trace
from mlflow.genai.scorers import Scorer

from services.scorers import catalogue, kinds, suites
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
        suites.check(self._settings)
        os.environ.update(QUIET)
        module, _, metric = str(self._settings["scorer"]).partition(".")
        settings: dict[str, Any] = {"model": self._judge} if kinds.needs_judge(self._spec) else {}
        if suites.of(module).threshold:
            settings["threshold"] = float(self._settings["threshold"])
        with suites.fitting(suites.of(module)):
            made: Scorer = importlib.import_module(f"mlflow.genai.scorers.{module}").get_scorer(metric, **settings)
        return made

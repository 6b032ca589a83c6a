"""Scorers as engineers write them: functions that MLflow's @scorer marks; read here, run only in a job's process."""

import sys
import threading
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from mlflow.entities import AssessmentError, Feedback, Trace
from mlflow.genai.scorers import Scorer
from pydantic import PrivateAttr

from services.errors import InvalidInputError
from services.messages import Message
from services.scorers import kinds
from services.scorers.built import SpecScorer
from services.scorers.source import functions

LONGEST = 100_000
GIVEN = frozenset({"inputs", "outputs", "expectations", "trace"})


class CodeScorer(SpecScorer):
    """The file is executed at the first verdict, never when the scorer is built."""

    _function: Scorer | None = PrivateAttr(None)
    _loading: Any = PrivateAttr(default_factory=threading.Lock)

    def _verdict(self, inputs: Any, answer: str, expectations: dict[str, Any], trace: Trace | None) -> Feedback:
        given = self._loaded().run(inputs=inputs, outputs=answer, expectations=expectations, trace=trace)
        found = given if isinstance(given, Feedback) else Feedback(name=self.name, value=given)
        if found.error:
            return Feedback(name=self.name, error=found.error, metadata=self._stamp())
        value = self._value(found.value)
        if value is None:
            said = (
                f"The function returned {found.value!r}, which is neither passed or failed nor a number on its scale."
            )
            return Feedback(name=self.name, error=AssessmentError("UNCLEAR_VERDICT", said), metadata=self._stamp())
        return self._given(value, found.rationale, found.source)

    def _loaded(self) -> Scorer:
        """Once, also when several threads ask first: the file may keep something of its own."""
        with self._loading:
            if self._function is None:
                self._function = load(str(self._spec.settings["source"]), str(self._spec.settings["function"]))
            return self._function

    def _value(self, said: Any) -> bool | float | None:
        scale = kinds.scale(self._spec)
        if scale is None:
            return said if isinstance(said, bool) else {"yes": True, "no": False}.get(str(said).lower())
        fits = isinstance(said, int | float) and not isinstance(said, bool) and scale[0] <= said <= scale[1]
        return float(said) if fits else None


def load(source: str, function: str) -> Scorer:
    """Execute the file in a module of its own; whatever it raises is raised. Only for a job's process."""
    module = ModuleType("signalbox_scorer")
    sys.modules[module.__name__] = module
    exec(compile(source, "scorer.py", "exec"), module.__dict__)
    made: Scorer = module.__dict__[function]
    return made


def check(settings: Mapping[str, Any]) -> None:
    """Raise InvalidInputError for a file that could not be a scorer; it is not run."""
    source = str(settings["source"])
    if len(source) > LONGEST:
        raise InvalidInputError(Message("The file is too large."), Message("Keep data out of the file."))
    try:
        found = functions(source)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise InvalidInputError(
            Message("The file cannot be read as Python: {reason}", reason=str(error)), Message("Correct it.")
        ) from error
    name = str(settings["function"]).strip()
    if name not in found:
        raise InvalidInputError(
            Message("The file has no function “{name}” that @scorer marks.", name=name),
            Message("Functions it has: {names}", names=", ".join(found) or "–"),
        )
    strange = sorted(found[name] - GIVEN)
    if strange:
        raise InvalidInputError(
            Message("The function asks for “{name}”, which a scorer is not given.", name=strange[0]),
            Message("It can ask for {names}.", names=", ".join(sorted(GIVEN))),
        )
    if settings["gives"] == "number" and not float(settings["low"]) < float(settings["high"]):
        raise InvalidInputError(
            Message("The lowest number is not below the highest."), Message("Swap or correct the two numbers.")
        )

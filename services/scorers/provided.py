"""MLflow's own scorers, built by their class; their answer is read as passed, failed or a number."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import mlflow.genai.scorers
from mlflow.entities import AssessmentError, Feedback, SpanType, Trace
from mlflow.genai.scorers import Scorer

from services.messages import Message
from services.scorers import catalogue
from services.scorers.built import JudgeScorer, turns
from services.scorers.conversations import session_of
from services.scorers.entries import Needs
from services.scorers.grounded import without_documents

PASSES = frozenset({"yes", "none", "resolved"})
FAILS = frozenset({"no", "unresolved"})
UNCLEAR = AssessmentError("UNCLEAR_VERDICT", "The judge gave no verdict that can be read.")


class ProvidedScorer(JudgeScorer):
    """One of MLflow's classes, asked only when everything that it needs is there."""

    def _judged(self, inputs: Any, answer: str, expectations: dict[str, Any], trace: Trace | None) -> Feedback:
        entry = catalogue.of(self._spec)
        session = session_of(inputs, answer, trace) if entry.needs.session else None
        code, reason = missing(entry.needs, expectations, trace, session)
        if reason:
            return self._nothing_to_judge(code, reason)
        if entry.needs.judge:
            self._reach()
        given = self._mlflows(entry.mlflow, entry.needs).run(
            inputs={"messages": turns(inputs)},
            outputs=answer,
            expectations=expectations,
            trace=trace if entry.needs.documents or entry.needs.tools else None,
            session=session,
        )
        return self._read(given if isinstance(given, list) else [given], entry.gives)

    def _mlflows(self, name: str, needs: Needs) -> Scorer:
        settings = {key: value for key, value in self._settings.items() if key != "scorer"}
        model = {"model": self._judge} if needs.judge else {}
        made: Scorer = getattr(mlflow.genai.scorers, name)(name=self.name, **settings, **model)
        return made

    def _read(self, given: Sequence[Feedback], gives: str) -> Feedback:
        """Several verdicts, one per document or lookup, become one: all must pass, numbers are averaged."""
        failed = next((one for one in given if one.error), None)
        if failed:
            return Feedback(name=self.name, error=failed.error, metadata=self._stamp())
        rationale = "\n".join(one.rationale for one in given if one.rationale)
        if gives == "number":
            numbers = [float(one.value) for one in given if isinstance(one.value, int | float) and isfinite(one.value)]
            return self._given(sum(numbers) / len(numbers), rationale, given[0].source) if numbers else self._unclear()
        said = {str(one.value).lower() for one in given}
        if not said or not said <= PASSES | FAILS:
            return self._unclear()
        return self._given(said <= PASSES, rationale, given[0].source)

    def _unclear(self) -> Feedback:
        return Feedback(name=self.name, error=UNCLEAR, metadata=self._stamp())


def missing(
    needs: Needs, expectations: Mapping[str, Any], trace: Trace | None, session: Sequence[Trace] | None
) -> tuple[str, Message | None]:
    """What the row or the answer lacks for a verdict, and its code; nothing when all is there."""
    if needs.expected and not any(expectations.get(key) for key in EXPECTED[needs.expected]):
        return "NO_EXPECTATION", NOT_EXPECTED[needs.expected]
    if needs.session and not session:
        return "NO_CONVERSATION", Message("This is a single question, not a conversation of several turns.")
    if needs.documents and (reason := without_documents(trace)):
        return "NO_DOCUMENTS", reason
    if needs.tools and not _used_tools(trace):
        return "NO_TOOLS", Message("This answer used no tool, so there is nothing to judge.")
    return "", None


EXPECTED = {
    "answer": ("expected_response",),
    "answer or facts": ("expected_response", "expected_facts"),
    "guidelines": ("guidelines",),
}
NOT_EXPECTED = {
    "answer": Message("The row has no expected answer."),
    "answer or facts": Message("The row has neither an expected answer nor expected facts."),
    "guidelines": Message("The row has no guidelines."),
}


def _used_tools(trace: Trace | None) -> bool:
    return any(span.span_type == SpanType.TOOL for span in (trace.data.spans if trace else []))

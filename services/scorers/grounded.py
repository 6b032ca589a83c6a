"""The scorer that compares an answer with the documents it was given: MLflow's RetrievalGroundedness."""

import json
from typing import Any

from mlflow.entities import AssessmentError, Feedback, SpanType, Trace
from mlflow.genai.scorers import RetrievalGroundedness

from services.messages import Message
from services.scorers.built import JudgeScorer, answer_text


class GroundedScorer(JudgeScorer):
    """Without documents there is nothing to compare: that is said, and counts as neither passed nor failed."""

    def model_dump(self, **options: Any) -> dict[str, Any]:
        return {"name": self.name, "kind": "grounded", "judge": self._judge, "version": self._version}

    def __call__(self, *, outputs: Any = None, trace: Trace | None = None, **others: Any) -> Feedback:
        try:
            return self._compared(answer_text(outputs), trace)
        finally:
            if self._called:
                self._called()

    def _compared(self, answer: str, trace: Trace | None) -> Feedback:
        if not answer:
            return Feedback(name=self.name, value=False, rationale="There is no answer.")
        missing = without_documents(trace)
        if trace is None or missing:
            return self._not_judged(missing)
        self._reach()
        found = RetrievalGroundedness(name=self.name, model=self._judge)(trace=trace)
        failed = next((one for one in found if one.error), None)
        if failed:
            return Feedback(name=self.name, error=failed.error)
        return Feedback(
            name=self.name,
            value=all(str(one.value) == "yes" for one in found),
            rationale="\n".join(one.rationale or "" for one in found),
            source=found[0].source,
            metadata={"signalbox.version": str(self._version)},
        )

    def _not_judged(self, why: Message | None) -> Feedback:
        reason = why or Message("There is no trace of this answer.")
        metadata = {
            "signalbox.reason": json.dumps(reason.to_json(), ensure_ascii=False),
            "signalbox.version": str(self._version),
        }
        return Feedback(name=self.name, error=AssessmentError("NO_DOCUMENTS", str(reason)), metadata=metadata)


def without_documents(trace: Trace | None) -> Message | None:
    """Why there is nothing to compare the answer with; None when documents were given."""
    spans = trace.data.spans if trace else []
    looked_up = [span for span in spans if span.span_type == SpanType.RETRIEVER]
    if not looked_up:
        return Message(
            "This answer looked nothing up, so there is nothing to compare it with. Log the agent with documents, or leave this scorer out."
        )
    if not any(span.outputs for span in looked_up):
        return Message("No document was found for this question, so there is nothing to compare the answer with.")
    return None

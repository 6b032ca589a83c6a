"""The scorer that compares an answer with the documents it was given: MLflow's RetrievalGroundedness."""

from typing import Any

from mlflow.entities import Feedback, SpanType, Trace
from mlflow.genai.scorers import RetrievalGroundedness

from services.messages import Message
from services.scorers.built import JudgeScorer


class GroundedScorer(JudgeScorer):
    """Without documents there is nothing to compare: that is said, and counts as neither passed nor failed."""

    def _judged(self, inputs: Any, answer: str, expectations: dict[str, Any], trace: Trace | None) -> Feedback:
        missing = without_documents(trace)
        if trace is None or missing:
            return self._nothing_to_judge("NO_DOCUMENTS", missing or Message("There is no trace of this answer."))
        self._reach()
        return self._decided(RetrievalGroundedness(name=self.name, model=self._judge)(trace=trace))


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

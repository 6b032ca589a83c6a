"""Scorers as MLflow runs them: a rule, or a language model with guidelines."""

import json
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from mlflow.entities import AssessmentSource, Feedback
from mlflow.genai.scorers import Guidelines, Scorer
from pydantic import PrivateAttr

from services import wording
from services.settings import Settings
from services.wording import Finding

REACHABLE_SECONDS = 10.0


def answer_text(outputs: Any) -> str:
    """The answer in what an agent returned or a trace recorded; empty when there is none."""
    if isinstance(outputs, str):
        return outputs
    listed = outputs.get("output") if isinstance(outputs, dict) else None
    messages = [item for item in listed or [] if isinstance(item, dict) and item.get("type", "message") == "message"]
    parts = [part for item in messages for part in item.get("content") or [] if isinstance(part, dict)]
    return "".join(str(part.get("text") or "") for part in parts)


def decide(kind: str, settings: Mapping[str, Any], answer: str) -> Finding:
    if kind == "length":
        return wording.length(answer, int(settings["shortest"]), int(settings["longest"]))
    if kind == "mentions":
        return wording.mentions(answer, str(settings["phrase"]))
    return wording.polite(answer) if kind == "polite" else wording.safe(answer)


class RuleScorer(Scorer):
    """A scorer that a rule decides; its rationale is the rule's reason."""

    _kind: str = PrivateAttr("")
    _settings: dict[str, Any] = PrivateAttr(default_factory=dict)
    _version: int = PrivateAttr(0)
    _called: Callable[[], None] | None = PrivateAttr(None)

    def set_up(
        self, kind: str, settings: dict[str, Any], version: int, called: Callable[[], None] | None
    ) -> "RuleScorer":
        self._kind, self._settings, self._version, self._called = kind, settings, version, called
        return self

    def model_dump(self, **options: Any) -> dict[str, Any]:
        """What MLflow hashes for every verdict: the settings, where it would read the class's source each time."""
        return {"name": self.name, "kind": self._kind, "settings": self._settings, "version": self._version}

    def __call__(self, *, outputs: Any = None, **others: Any) -> Feedback:
        finding = decide(self._kind, self._settings, answer_text(outputs))
        if self._called:
            self._called()
        metadata = {
            "signalbox.reason": json.dumps(finding.reason.to_json(), ensure_ascii=False),
            "signalbox.version": str(self._version),
        }
        source = AssessmentSource(source_type="CODE", source_id=f"signalbox/{self._kind}")
        return Feedback(
            name=self.name, value=finding.passed, rationale=str(finding.reason), source=source, metadata=metadata
        )


class JudgeScorer(Scorer):
    """A scorer that a language model decides by guidelines; a judge that is gone is an error at once."""

    _guidelines: list[str] = PrivateAttr(default_factory=list)
    _judge: str = PrivateAttr("")
    _address: str = PrivateAttr("")
    _version: int = PrivateAttr(0)
    _called: Callable[[], None] | None = PrivateAttr(None)
    _reached_at: float = PrivateAttr(0.0)

    def set_up(
        self, guidelines: list[str], settings: Settings, version: int, called: Callable[[], None] | None
    ) -> "JudgeScorer":
        self._guidelines, self._judge, self._version, self._called = (
            guidelines,
            f"openai:/{settings.judge_model}",
            version,
            called,
        )
        self._address = settings.llm_base_url or ""
        return self

    def model_dump(self, **options: Any) -> dict[str, Any]:
        return {"name": self.name, "guidelines": self._guidelines, "judge": self._judge, "version": self._version}

    def __call__(self, *, inputs: Any = None, outputs: Any = None, **others: Any) -> Feedback:
        try:
            return self._judged(inputs, answer_text(outputs))
        finally:
            if self._called:
                self._called()

    def _judged(self, inputs: Any, answer: str) -> Feedback:
        if not answer:
            return Feedback(name=self.name, value=False, rationale="There is no answer.")
        self._reach()
        found = Guidelines(name=self.name, guidelines=self._guidelines, model=self._judge)(
            inputs=inputs, outputs=answer
        )
        metadata = {"signalbox.version": str(self._version)}
        return Feedback(
            name=self.name,
            value=str(found.value) == "yes",
            rationale=found.rationale,
            source=found.source,
            metadata=metadata,
        )

    def _reach(self) -> None:
        """MLflow tries a dead judge for three minutes per row; a connection is tried first, now and then."""
        if not self._address or time.monotonic() - self._reached_at < REACHABLE_SECONDS:
            return
        parts = urlsplit(self._address)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        socket.create_connection((parts.hostname or "", port), timeout=3).close()
        self._reached_at = time.monotonic()

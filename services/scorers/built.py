"""Scorers as MLflow runs them: the ground of all of them, rules, and a language model with guidelines."""

import json
import socket
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from mlflow.entities import AssessmentError, AssessmentSource, Feedback, Trace
from mlflow.genai.scorers import Guidelines, Scorer
from pydantic import PrivateAttr

from services.messages import Message
from services.scorers import rules
from services.scorers.records import ScorerSpec
from services.scorers.rules import Measure
from services.settings import Settings
from services.wording import Finding

REACHABLE_SECONDS = 10.0
# Where another judge is than the console's: only a rehearsal sets it, to one that is gone.
JUDGE_ADDRESS = "judge_address"
SAID = {"yes": True, "no": False}
UNCLEAR = AssessmentError("UNCLEAR_VERDICT", "The judge gave no verdict that can be read.")
NO_SETTINGS: Mapping[str, Any] = {}


def answer_text(outputs: Any) -> str:
    """The answer in what an agent returned or a trace recorded; empty when there is none."""
    if isinstance(outputs, str):
        return outputs
    listed = outputs.get("output") if isinstance(outputs, dict) else None
    items = listed if isinstance(listed, list) else []
    messages = [item for item in items if isinstance(item, dict) and item.get("type", "message") == "message"]
    contents = [item["content"] for item in messages if isinstance(item.get("content"), list)]
    return "".join(str(part.get("text") or "") for parts in contents for part in parts if isinstance(part, dict))


def turns(inputs: Any) -> list[dict[str, str]]:
    """The messages of a request, as Responses or as chat, each as a role and its text."""
    asked = inputs.get("input", inputs.get("messages")) if isinstance(inputs, dict) else inputs
    if isinstance(asked, str):
        return [{"role": "user", "content": asked}]
    listed = asked if isinstance(asked, list) else []
    return [{"role": str(one.get("role")), "content": _words(one)} for one in listed if isinstance(one, dict)]


def question_text(inputs: Any) -> str:
    """What was asked last; empty when nobody knows."""
    return next((one["content"] for one in reversed(turns(inputs)) if one["role"] == "user"), "")


def judge_of(console: Settings) -> str | None:
    """The model that judges; None on a workspace, whose own judges decide there as they do on live answers."""
    return None if console.databricks else f"openai:/{console.judge_model}"


class SpecScorer(Scorer):
    """The MLflow scorer of a spec; `called` is told after each use, also after one that failed."""

    _spec: ScorerSpec = PrivateAttr(default_factory=lambda: ScorerSpec("", ""))
    _settings: Mapping[str, Any] = PrivateAttr(default_factory=dict)
    _called: Callable[[], None] | None = PrivateAttr(None)
    _judge: str | None = PrivateAttr(None)
    _address: str = PrivateAttr("")
    _reached_at: float = PrivateAttr(0.0)

    def set_up(
        self, spec: ScorerSpec, settings: Mapping[str, Any], console: Settings, called: Callable[[], None] | None
    ) -> "SpecScorer":
        """`settings` are the spec's with the app's variables filled in."""
        self._spec, self._settings, self._called = spec, settings, called
        self._judge, self._address = judge_of(console), str(settings.get(JUDGE_ADDRESS) or console.llm_base_url or "")
        return self

    def model_dump(self, **options: Any) -> dict[str, Any]:
        """What MLflow hashes for every verdict: the settings, where it would read the class's source each time."""
        stated = {"name": self.name, "kind": self._spec.kind, "settings": dict(self._settings)}
        return stated | {"version": self._spec.version, "judge": self._judge}

    def __call__(
        self,
        *,
        inputs: Any = None,
        outputs: Any = None,
        expectations: dict[str, Any] | None = None,
        trace: Trace | None = None,
        session: list[Trace] | None = None,
    ) -> Feedback:
        try:
            return self._verdict(inputs, answer_text(outputs), expectations or {}, trace)
        finally:
            if self._called:
                self._called()

    @abstractmethod
    def _verdict(self, inputs: Any, answer: str, expectations: dict[str, Any], trace: Trace | None) -> Feedback: ...

    def _found(self, found: Finding | Measure) -> Feedback:
        """What a rule found, with its reason kept so that it can be read in both languages."""
        value = found.passed if isinstance(found, Finding) else found.value
        source = AssessmentSource(source_type="CODE", source_id=f"signalbox/{self._spec.kind}")
        reason = {"signalbox.reason": json.dumps(found.reason.to_json(), ensure_ascii=False)}
        metadata = reason | self._stamp()
        return Feedback(name=self.name, value=value, rationale=str(found.reason), source=source, metadata=metadata)

    def _given(self, value: Any, rationale: str | None, source: AssessmentSource | None) -> Feedback:
        """What a judge gave."""
        return Feedback(name=self.name, value=value, rationale=rationale, source=source, metadata=self._stamp())

    def _nothing_to_judge(self, code: str, reason: Message) -> Feedback:
        """No verdict, because something to judge is missing: neither passed nor failed."""
        metadata = {"signalbox.reason": json.dumps(reason.to_json(), ensure_ascii=False)} | self._stamp()
        return Feedback(name=self.name, error=AssessmentError(code, str(reason)), metadata=metadata)

    def _stamp(self) -> dict[str, str]:
        return {"signalbox.version": str(self._spec.version)}

    def _reach(self) -> None:
        """MLflow tries a dead judge for three minutes per row; a connection is tried first, now and then."""
        if not self._address or time.monotonic() - self._reached_at < REACHABLE_SECONDS:
            return
        parts = urlsplit(self._address)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        socket.create_connection((parts.hostname or "", port), timeout=3).close()
        self._reached_at = time.monotonic()


class RuleScorer(SpecScorer):
    """A scorer that a rule decides; its rationale is the rule's reason."""

    def _verdict(self, inputs: Any, answer: str, expectations: dict[str, Any], trace: Trace | None) -> Feedback:
        if self._spec.kind == "similarity":
            return self._similar(answer, expectations)
        return self._found(rules.decide(self._spec.kind, self._settings, answer, question_text(inputs)))

    def _similar(self, answer: str, expectations: dict[str, Any]) -> Feedback:
        expected = str(expectations.get("expected_response") or "")
        if not expected:
            return self._nothing_to_judge("NO_EXPECTATION", Message("The row has no expected answer."))
        return self._found(rules.similarity(answer, expected))


class JudgeScorer(SpecScorer):
    """A scorer that a language model decides; a judge that is gone is an error at once, an empty answer never good."""

    def _verdict(self, inputs: Any, answer: str, expectations: dict[str, Any], trace: Trace | None) -> Feedback:
        if not answer:
            return self._unanswered()
        return self._judged(inputs, answer, expectations, trace)

    def _unanswered(self) -> Feedback:
        return Feedback(name=self.name, value=False, rationale="There is no answer.", metadata=self._stamp())

    @abstractmethod
    def _judged(self, inputs: Any, answer: str, expectations: dict[str, Any], trace: Trace | None) -> Feedback: ...

    def _decided(self, given: Sequence[Feedback]) -> Feedback:
        """Yes to all passes, a no fails; what failed or cannot be read is an error, never a verdict."""
        said = [SAID.get(str(one.value).strip().lower()) for one in given]
        error = next((one.error for one in given if one.error), None)
        if error or not said or None in said:
            return Feedback(name=self.name, error=error or UNCLEAR, metadata=self._stamp())
        rationale = "\n".join(one.rationale or "" for one in given)
        return self._given(all(said), rationale, given[0].source)


class GuidelinesScorer(JudgeScorer):
    """MLflow's Guidelines with the app's variables filled in."""

    def _judged(self, inputs: Any, answer: str, expectations: dict[str, Any], trace: Trace | None) -> Feedback:
        self._reach()
        judge = Guidelines(name=self.name, guidelines=list(self._settings["guidelines"]), model=self._judge)
        return self._decided([judge(inputs=inputs, outputs=answer)])


def _words(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return " ".join(str(part.get("text") or "") for part in parts if isinstance(part, dict))

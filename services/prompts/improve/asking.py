"""Asking the model under a text, and a scorer about the answer."""

import threading
from typing import TYPE_CHECKING, Any

import openai
from mlflow.entities import Feedback
from mlflow.genai.scorers import Scorer

from services import playground
from services.datasets import Row
from services.errors import ConsoleError, translated
from services.messages import Message
from services.prompts import Content

if TYPE_CHECKING:
    from services.jobs import Work
    from services.workspace import Workspace

LOST_AFTER = 3


class Hopeless(BaseException):
    """Nothing can come of it; not an Exception, so that the optimiser does not take it for an answer."""

    def __init__(self, message: Message, remedy: Message) -> None:
        super().__init__(str(message))
        self.message, self.remedy = message, remedy


def no_rewrite(reason: Message | str) -> Hopeless:
    """The model that should write a better text wrote none; optimisers would call the old one the best."""
    return Hopeless(
        Message("The model wrote no text that can be used: {reason}", reason=reason),
        Message("Start again. If it happens again, choose another way, or set another model in SIGNALBOX_JUDGE_MODEL."),
    )


class Asking:
    """Asks the model under a text, and for a better one, and counts; every question may stop the work."""

    def __init__(self, workspace: "Workspace", work: "Work", total: int) -> None:
        self._first_error: Message | None = None
        self._rewritten = self._lost = 0
        self._workspace, self._work, self._total = workspace, work, total
        self._asked = self._answered = 0
        self._lock = threading.Lock()
        self._client = openai.OpenAI(**_address(workspace))

    def answer(self, content: Content, question: str) -> str | None:
        """The model's answer, assembled as the agent would; None when the model failed."""
        messages: list[Any] = playground.assembled(content, self._workspace.app.variables, question)
        try:
            with translated(Message("Asking the model")):
                completion = self._client.chat.completions.create(
                    messages=messages, **playground.arguments(self._workspace, content)
                )
        except ConsoleError as error:
            return self._count(None, error.message)
        return self._count(completion.choices[0].message.content or "", None)

    def rewrite(self, prompt: str | list[dict[str, Any]], **how: Any) -> str:
        """What the judging model writes; raises Hopeless when it failed from the beginning, else what it failed with."""
        self._work.check()
        messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
        asked: Any = {"messages": messages, "model": self._workspace.settings.judge_model}
        try:
            with translated(Message("Asking for a better text")):
                completion = self._client.chat.completions.create(**asked, **how)
        except ConsoleError as error:
            self._lost += 1
            if not self._rewritten and self._lost >= LOST_AFTER:
                raise no_rewrite(error.message) from None
            raise
        self._rewritten += 1
        return completion.choices[0].message.content or ""

    def _count(self, answer: str | None, error: Message | None) -> str | None:
        with self._lock:
            self._asked += 1
            self._answered += answer is not None
            self._first_error = self._first_error or error
            if not self._answered and self._asked >= LOST_AFTER:
                raise Hopeless(
                    Message("No question could be answered: {reason}", reason=self._first_error or "–"),
                    Message("Check that the model is running, then start again."),
                )
            done = min(self._asked, self._total - 1)
            self._work.progress(done, self._total, Message("Questions asked: {n}", n=self._asked))
        return answer


def judged(one: Scorer, **given: Any) -> Feedback | None:
    """None when the scorer itself failed, as a judge may for a moment."""
    try:
        with translated(Message("Scoring the answers"), foreign=True):
            feedback: Feedback = one.run(**given)
    except ConsoleError:
        return None
    return feedback


def passes(one: Scorer, **given: Any) -> bool | None:
    """None when the scorer itself failed."""
    feedback = judged(one, **given)
    return None if feedback is None else bool(feedback.value)


def expected(row: Row) -> dict[str, str]:
    return {"expected_response": row.expected}


def _address(workspace: "Workspace") -> dict[str, Any]:
    settings = workspace.settings
    return {
        "base_url": settings.llm_base_url,
        "api_key": settings.llm_api_key,
        "timeout": playground.SECONDS,
        "max_retries": 2,
    }

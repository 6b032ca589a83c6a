"""Scorers: what makes an answer good; kept as plain settings, built as MLflow scorers, the same ones everywhere."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import openai
from mlflow.genai.scorers import Scorer

from services.errors import NotReadyError, translated
from services.messages import Message
from services.scorers import forms, rules
from services.scorers.bridged import SuiteScorer
from services.scorers.built import GuidelinesScorer, RuleScorer, SpecScorer
from services.scorers.built import answer_text as answer_text
from services.scorers.built import question_text as question_text
from services.scorers.describing import describe as describe
from services.scorers.grounded import GroundedScorer
from services.scorers.judged import OwnJudge
from services.scorers.kinds import NOTHING_TO_JUDGE as NOTHING_TO_JUDGE
from services.scorers.kinds import kind_of_value as kind_of_value
from services.scorers.kinds import needs as needs
from services.scorers.kinds import needs_judge as needs_judge
from services.scorers.kinds import not_in_production as not_in_production
from services.scorers.kinds import remark as remark
from services.scorers.kinds import scale as scale
from services.scorers.own_code import CodeScorer
from services.scorers.provided import ProvidedScorer
from services.scorers.records import ScorerSpec as ScorerSpec
from services.scorers.records import all as all
from services.scorers.records import at as at
from services.scorers.records import keep
from services.scorers.records import remove as remove
from services.scorers.records import versions as versions
from services.wording import Finding

if TYPE_CHECKING:
    from services.workspace import Workspace

BUILT: dict[str, type[SpecScorer]] = {
    "guidelines": GuidelinesScorer,
    "grounded": GroundedScorer,
    "builtin": ProvidedScorer,
    "judge": OwnJudge,
    "code": CodeScorer,
    "suite": SuiteScorer,
}
VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
JUDGE_SECONDS = 60


def save(workspace: "Workspace", spec: ScorerSpec) -> ScorerSpec:
    """Store a new scorer or a new version of one; raises InvalidInputError."""
    forms.check(workspace, spec)
    return keep(workspace, spec, forms.verb_of(spec))


def build(spec: ScorerSpec, workspace: "Workspace", called: Callable[[], None] | None = None) -> Scorer:
    """The MLflow scorer, used alike offline and in production; `called` is told after each use.

    A verdict is True or False, or a number within `scale`. What could not be judged has an error: its code is one of
    NOTHING_TO_JUDGE when the row lacked something, and another one when the scorer failed.
    """
    kind = BUILT.get(spec.kind, RuleScorer)
    made = kind(name=spec.name, timeout=0 if kind is RuleScorer else JUDGE_SECONDS)
    return made.set_up(spec, filled(spec, workspace), workspace.settings, called)


def check_judge(workspace: "Workspace") -> None:
    """One cheap request to the judge, three seconds at most; raises PlatformError when it is dead."""
    settings = workspace.settings
    client = openai.OpenAI(base_url=settings.llm_base_url, api_key=settings.llm_api_key, timeout=3, max_retries=0)
    with translated(Message("Asking the judge {model}", model=settings.judge_model)):
        client.chat.completions.create(
            model=settings.judge_model, messages=[{"role": "user", "content": "Hello"}], max_tokens=1
        )


def try_out(workspace: "Workspace", spec: ScorerSpec, answer: str) -> Finding:
    """What a rule would say about an answer; raises NotReadyError for a scorer that needs more than the answer."""
    if spec.kind not in forms.READS_ANSWER_ONLY:
        raise NotReadyError(
            Message("{name} needs more than the answer.", name=spec.name),
            Message("Try it on five rows to see its verdicts."),
        )
    return rules.decide(spec.kind, filled(spec, workspace), answer)


def filled(spec: ScorerSpec, workspace: "Workspace") -> dict[str, Any]:
    """The settings with the app's variables, such as {{company_name}}, filled in."""
    return {name: _filled(value, workspace.app.variables) for name, value in spec.settings.items()}


def _filled(value: Any, known: dict[str, str]) -> Any:
    if isinstance(value, list | tuple):
        return [_filled(one, known) for one in value]
    if not isinstance(value, str):
        return value
    return VARIABLE.sub(lambda found: str(known.get(found[1], found[0])), value)


def may_gate(workspace: "Workspace", name: str) -> Message | None:
    """Why a judge may not gate: its health is below the app's line; None when it may."""
    from services.scorers import health  # reads traces, which read scorers

    return health.may_gate(workspace, name)

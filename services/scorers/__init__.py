"""Scorers: what makes an answer good; kept as plain settings, built as MLflow scorers, the same ones everywhere."""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import openai
from mlflow.genai.scorers import Scorer

from services import apps, audit
from services.audit import Verb
from services.errors import InvalidInputError, NotFoundError, NotReadyError, translated
from services.messages import Message
from services.scorers.built import JudgeScorer, RuleScorer, decide
from services.scorers.built import answer_text as answer_text
from services.scorers.grounded import GroundedScorer
from services.wording import Finding

if TYPE_CHECKING:
    from services.workspace import Workspace

SETTING = "scorers"
KINDS = ("length", "mentions", "polite", "word_list", "guidelines", "grounded")
NAME = re.compile(r"[^\W_][\w .-]{0,39}")
VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
# An evaluation's table has a column per scorer beside these, and two more that end in SUFFIXES.
COLUMNS = {"row_id", "question", "expected", "answer", "state", "error", "trace_id", "prompt_version", "prompt_seen"}
COLUMNS |= {"critical", "topic", "language", "seconds"}
SUFFIXES = (".reason", ".rationale")
MOST = 30
JUDGE_SECONDS = 60


@dataclass(frozen=True)
class ScorerSpec:
    """One scorer as the operator set it up; every change makes a new version."""

    name: str
    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    version: int = 0


def all(workspace: "Workspace") -> list[ScorerSpec]:
    """The app's scorers as they are now, in the order they were made."""
    return [_spec(one) for one in _newest(_stored(workspace)) if not one["removed"]]


def at(workspace: "Workspace", name: str, version: int) -> ScorerSpec:
    """A scorer as it was in `version`, also when it was changed or removed since; raises NotFoundError."""
    for one in _stored(workspace):
        if (one["name"], one["version"]) == (name, version):
            return _spec(one)
    raise NotFoundError(
        Message("The scorer {name} has no version {version}.", name=name, version=version),
        Message("Open the list of scorers."),
    )


def save(workspace: "Workspace", spec: ScorerSpec) -> ScorerSpec:
    """Store a new scorer or a new version of one; raises InvalidInputError."""
    _check(workspace, spec)
    stored = _stored(workspace)
    before = [one for one in _newest(stored) if one["name"] == spec.name]
    made = replace(spec, version=before[0]["version"] + 1 if before else 1)
    with audit.change(workspace, Verb.SAVE_SCORER, spec.name, before=before[0] if before else None, after=asdict(made)):
        apps.save_setting(workspace, SETTING, [*stored, asdict(made) | {"removed": False}])
    return made


def remove(workspace: "Workspace", name: str) -> None:
    """Take a scorer off the list; its versions stay readable for old evaluations."""
    stored = _stored(workspace)
    kept = next((one for one in _newest(stored) if one["name"] == name and not one["removed"]), None)
    if kept is None:
        raise NotFoundError(Message("There is no scorer {name}.", name=name), Message("Open the list of scorers."))
    with audit.change(workspace, Verb.REMOVE_SCORER, name, before=kept):
        apps.save_setting(workspace, SETTING, [one | {"removed": True} if one is kept else one for one in stored])


def needs_judge(spec: ScorerSpec) -> bool:
    """Whether a language model gives the verdict."""
    return spec.kind in ("guidelines", "grounded")


def describe(spec: ScorerSpec) -> Message:
    """What the scorer asks of an answer, in one plain sentence."""
    settings = spec.settings
    if spec.kind == "length":
        return Message(
            "The answer has {shortest} to {longest} characters.",
            shortest=settings["shortest"],
            longest=settings["longest"],
        )
    if spec.kind == "mentions":
        return Message("The answer mentions “{phrase}”.", phrase=settings["phrase"])
    if spec.kind == "polite":
        return Message(
            "The answer is polite: courteous expressions in English, です・ます endings in Japanese. A rule decides, not a model."
        )
    if spec.kind == "word_list":
        return Message(
            "Word list: the answer uses none of the listed offensive or dangerous words. A list decides, not a model."
        )
    if spec.kind == "grounded":
        return Message("A language model checks that the answer says only what the documents say that it was given.")
    return Message("A language model checks: {guidelines}", guidelines=" · ".join(settings["guidelines"]))


def build(spec: ScorerSpec, workspace: "Workspace", called: Callable[[], None] | None = None) -> Scorer:
    """The MLflow scorer, used alike offline and in production; `called` is told after each use."""
    filled = {name: _filled(value, workspace) for name, value in spec.settings.items()}
    if not needs_judge(spec):
        return RuleScorer(name=spec.name, timeout=0).set_up(spec.kind, filled, spec.version, called)
    kind = GroundedScorer if spec.kind == "grounded" else JudgeScorer
    return kind(name=spec.name, timeout=JUDGE_SECONDS).set_up(
        filled.get("guidelines", []), workspace.settings, spec.version, called
    )


def check_judge(workspace: "Workspace") -> None:
    """One cheap request to the judge, three seconds at most; raises PlatformError when it is dead."""
    settings = workspace.settings
    client = openai.OpenAI(base_url=settings.llm_base_url, api_key=settings.llm_api_key, timeout=3, max_retries=0)
    with translated(Message("Asking the judge {model}", model=settings.judge_model)):
        client.chat.completions.create(
            model=settings.judge_model, messages=[{"role": "user", "content": "Hello"}], max_tokens=1
        )


def try_out(workspace: "Workspace", spec: ScorerSpec, answer: str) -> Finding:
    """What a rule would say about an answer; raises NotReadyError for a scorer that asks a language model."""
    if needs_judge(spec):
        raise NotReadyError(
            Message("{name} asks a language model.", name=spec.name),
            Message("Run an evaluation to see its verdicts."),
        )
    return decide(spec.kind, {name: _filled(value, workspace) for name, value in spec.settings.items()}, answer)


def _check(workspace: "Workspace", spec: ScorerSpec) -> None:
    if not NAME.fullmatch(spec.name):
        raise InvalidInputError(
            Message("“{name}” cannot be a scorer's name.", name=spec.name),
            Message("Use up to 40 letters, digits, blanks, dots and hyphens, beginning with a letter or digit."),
        )
    if spec.name in COLUMNS or spec.name.endswith(SUFFIXES):
        raise InvalidInputError(
            Message("“{name}” cannot be a scorer's name.", name=spec.name),
            Message("The table of an evaluation has a column of that name. Choose another name."),
        )
    if spec.kind not in KINDS:
        raise InvalidInputError(
            Message("There is no kind of scorer called {kind}.", kind=spec.kind), Message("Choose one from the list.")
        )
    if len([one for one in all(workspace) if one.name != spec.name]) >= MOST:
        raise InvalidInputError(Message("An app can have {n} scorers at most.", n=MOST), Message("Remove one first."))
    _check_settings(spec.kind, spec.settings)


def _check_settings(kind: str, settings: Mapping[str, Any]) -> None:
    if kind == "length" and not 0 <= settings["shortest"] <= settings["longest"]:
        raise InvalidInputError(
            Message("The shortest length is above the longest."), Message("Swap or correct the two numbers.")
        )
    if kind == "mentions" and not str(settings["phrase"]).strip():
        raise InvalidInputError(
            Message("There is nothing to mention."), Message("Type the words that every answer shall contain.")
        )
    if kind == "guidelines" and not [line for line in settings["guidelines"] if line.strip()]:
        raise InvalidInputError(
            Message("There is no guideline."), Message("Write at least one sentence that an answer must fulfil.")
        )


def _filled(value: Any, workspace: "Workspace") -> Any:
    """Settings may use the app's variables, such as {{company_name}}."""
    if isinstance(value, list):
        return [_filled(one, workspace) for one in value]
    if not isinstance(value, str):
        return value
    known = workspace.app.variables
    return VARIABLE.sub(lambda found: str(known.get(found[1], found[0])), value)


def _stored(workspace: "Workspace") -> list[dict[str, Any]]:
    """Every version of every scorer, oldest first."""
    return list(apps.load_setting(workspace, SETTING) or [])


def _newest(stored: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({one["name"]: one for one in stored}.values())


def _spec(stored: Mapping[str, Any]) -> ScorerSpec:
    return ScorerSpec(stored["name"], stored["kind"], stored["settings"], stored["version"])

"""How long an evaluation will take and what it will cost: from the newest runs, guessed from the texts without one."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from services import prompts, scorers
from services.evaluations import preflight, reading
from services.evaluations.asking import AT_ONCE
from services.evaluations.plan import messages_of
from services.evaluations.preflight import Order
from services.evaluations.records import Evaluation
from services.evaluations.sources import TRACES
from services.playground.calls import estimated_tokens
from services.playground.prices import price

if TYPE_CHECKING:
    from services.workspace import Workspace

ANSWER_TOKENS, JUDGE_TOKENS, VERDICT_TOKENS = 200, 400, 80
SECONDS_PER_ANSWER, SECONDS_PER_VERDICT, SECONDS_TO_BEGIN = 3.0, 3.0, 5.0


@dataclass(frozen=True)
class Estimate:
    """`measured`: the newest evaluation of this agent says so; otherwise it is guessed from the length of the texts.

    `lines` are the answers that are judged, `calls` those that are asked for. `cost` is None without a price; `unpriced`
    names the models that the price list does not know, `told` is false when nobody knows which model answers.
    """

    lines: int
    calls: int
    judgements: int
    seconds: float
    cost: float | None
    measured: bool
    unpriced: tuple[str, ...]
    told: bool


@dataclass(frozen=True)
class _Line:
    """What one answer takes."""

    seconds: float
    sent: float
    got: float
    cost: float | None


def of(workspace: "Workspace", order: Order, made: list[Evaluation]) -> Estimate:
    """`made`: the app's evaluations, newest first."""
    rows = preflight.asked(workspace, order)
    lines = len(rows) * (1 if order.source.kind == TRACES else order.repeats)
    calls = 0 if order.source.kind == TRACES else lines
    judges = sum(scorers.needs_judge(one) for one in scorers.all(workspace) if one.name in order.scorer_names)
    earlier = _measured(workspace, order, made)
    line = earlier or _guessed(workspace, order, [estimated_tokens(str(messages_of(row))) for row in rows])
    agent = order.agent
    model, judge = preflight.model_of(workspace, agent), workspace.settings.judge_model
    answers = line.cost if line.cost is not None else _priced(model, line.sent, line.got)
    verdicts = _priced(judge, line.sent + line.got + JUDGE_TOKENS, VERDICT_TOKENS)
    practice = workspace.settings.practice
    parts = [(calls, answers, model), (lines * judges, verdicts, judge)]
    told = line.cost is not None or agent is None or agent.model_told
    asked = parts if told else parts[1:]
    unpriced = tuple(dict.fromkeys(name for n, cost, name in asked if n and cost is None and not practice))
    cost = sum(n * (each or 0.0) for n, each, _ in parts) if told and not unpriced else None
    seconds = _seconds(order, line, calls, lines * judges)
    return Estimate(lines, calls, lines * judges, seconds, cost, earlier is not None, unpriced, told)


def _seconds(order: Order, line: _Line, calls: int, judgements: int) -> float:
    """Answers side by side, with their judges; no faster than the limit of requests."""
    busy = (calls * line.seconds + judgements * SECONDS_PER_VERDICT) / AT_ONCE
    limited = (calls + judgements) * 60 / order.per_minute if order.per_minute else 0.0
    return SECONDS_TO_BEGIN + max(busy, limited)


def _measured(workspace: "Workspace", order: Order, made: list[Evaluation]) -> _Line | None:
    """The newest finished evaluation of this agent under this prompt version, or under any."""
    done = [one for one in made if one.finished and not one.outside and one.model_id == order.model_id]
    same = [one for one in done if one.prompt_version == order.prompt_version]
    if order.agent is None or not done:
        return None
    table = reading.rows(workspace, (same or done)[0])
    answered = table[table["state"] == "OK"]
    if answered.empty:
        return None
    sent, got = _mean(answered, "input_tokens"), _mean(answered, "output_tokens")
    if sent is None or got is None:
        return None
    return _Line(float(answered["seconds"].mean()), sent, got, _mean(answered, "cost"))


def _mean(table: pd.DataFrame, column: str) -> float | None:
    known = table[column].dropna() if column in table else pd.Series(dtype=float)
    return float(known.astype(float).mean()) if len(known) else None


def _guessed(workspace: "Workspace", order: Order, asked: list[int]) -> _Line:
    """The prompt and the question are sent; nobody knows yet how long the answers are."""
    template = ""
    if order.agent and order.prompt_version:
        template = prompts.version(workspace, order.agent.prompt_name, order.prompt_version).source
    question = sum(asked) / len(asked) if asked else 0
    return _Line(SECONDS_PER_ANSWER, estimated_tokens(template) + question, ANSWER_TOKENS, None)


def _priced(model: str, sent: float, got: float) -> float | None:
    listed = price(model)
    return listed.of(round(sent), round(got)) if listed else None

"""Interlock 2, the gate: what an evaluation must reach before its version may go live."""

from services.evaluations import Evaluation
from services.interlocks.facts import Candidate, Finding, Light
from services.messages import Message


def gate(candidate: Candidate) -> Finding:
    """2: minimum rows, minimum scores, no new failure on a critical row, not worse than what is live."""
    title = Message("Gate")
    why = Message("The gate is the promise that a change may not make answers worse than agreed.")
    wanted = candidate.workspace.app.gate
    if not wanted.minimum:
        return Finding(
            2,
            title,
            Light.RED,
            Message("The gate asks for nothing yet."),
            why,
            Message("Set the minimum scores on the Apps screen."),
            "apps",
        )
    found = candidate.evaluation
    if found is None:
        return Finding(
            2,
            title,
            Light.RED,
            Message("There is nothing to judge yet."),
            why,
            Message("Run the evaluation first."),
            "evaluations",
            candidate.to_evaluate,
        )
    problem = _gate_problem(candidate, found)
    if problem is not None:
        return Finding(
            2,
            title,
            Light.RED,
            problem,
            why,
            Message("Open the evaluation, look at the failed rows, and write a better prompt version."),
            "evaluations",
            {"run": found.run_id, **_baseline(candidate)},
        )
    if candidate.live_agent is not None and candidate.baseline is None:
        return Finding(
            2,
            title,
            Light.RED,
            Message("What is live was not evaluated on today's dataset with today's scorers: nothing can be compared."),
            why,
            Message(
                "Run an evaluation of the live agent with prompt version {version} on the Evaluations screen.",
                version=candidate.live_prompt or "–",
            ),
            "evaluations",
            {"agent": candidate.live_agent, "version": str(candidate.live_prompt)},
        )
    if candidate.verdict is None:
        return Finding(
            2,
            title,
            Light.GREEN,
            Message("Every minimum is reached: {scores}. Nothing is live to compare with.", scores=_reached(candidate)),
            why,
        )
    compared = Message(
        "Every minimum is reached: {scores}. Compared with what is live: {better} rows better, {worse} worse.",
        scores=_reached(candidate),
        better=candidate.verdict.better,
        worse=candidate.verdict.worse,
    )
    return Finding(2, title, Light.GREEN, compared, why)


def _gate_problem(candidate: Candidate, found: Evaluation) -> Message | None:
    wanted = candidate.workspace.app.gate
    if found.rows < wanted.rows:
        return Message(
            "The evaluation has {rows} rows; the gate asks for {wanted}.", rows=found.rows, wanted=wanted.rows
        )
    for name, minimum in wanted.minimum.items():
        score = found.scores.get(name)
        if score is None or score.mean is None:
            return Message("The scorer {name} judged no row.", name=name)
        if score.judged < found.rows - found.failed:
            return Message(
                "The scorer {name} judged only {judged} of {rows} rows.",
                name=name,
                judged=score.judged,
                rows=found.rows,
            )
        if score.mean < minimum:
            return Message(
                "“{name}” passed {score} of the rows; the gate asks for at least {minimum}.",
                name=name,
                score=_percent(score.mean),
                minimum=_percent(minimum),
            )
    if candidate.verdict is not None and candidate.verdict.new_critical:
        return Message("Critical questions that pass today would fail: {n}.", n=len(candidate.verdict.new_critical))
    if candidate.verdict is not None and candidate.verdict.word == "worse":
        return Message(
            "It is worse than what is live: {worse} rows got worse, {better} got better.",
            worse=candidate.verdict.worse,
            better=candidate.verdict.better,
        )
    return None


def _reached(candidate: Candidate) -> str:
    """Every score beside its minimum, in signs that need no translation."""
    scores = candidate.evaluation.scores if candidate.evaluation else {}
    wanted = candidate.workspace.app.gate.minimum.items()
    return ", ".join(f"{name} {_percent(scores[name].mean)} ≥ {_percent(least)}" for name, least in wanted)


def _baseline(candidate: Candidate) -> dict[str, str]:
    """The evaluation to read beside it, when the two were compared."""
    return {"against": candidate.baseline.run_id} if candidate.baseline and candidate.verdict else {}


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %".replace(".0 %", " %")

"""Interlocks on the judges: production is watched by what let the release pass, and the judges can be trusted."""

from services import monitoring, playground, scorers
from services.errors import ConsoleError
from services.interlocks.facts import Candidate, Finding, Interlock
from services.messages import Message
from services.scorers import ScorerSpec, health, kinds, watching

PRODUCTION = Interlock(
    6,
    Message("Production scorers"),
    Message("Production is watched with the same checks that let the release pass, started before it is deployed."),
)
JUDGES = Interlock(
    12,
    Message("Judges"),
    Message("A judge that is away, or that people disagree with, lets bad answers pass without a word."),
)


def scorers_ready(candidate: Candidate) -> Finding:
    """6: the scorers that gated are the ones that will watch production, in the same versions."""
    known = scorers.all(candidate.workspace)
    specs = {spec.name: spec.version for spec in known}
    gone = sorted(set(candidate.workspace.app.gate.minimum) - set(specs))
    if gone:
        found = Message("The gate names scorers that do not exist: {names}.", names=", ".join(gone))
        mend = Message("Create them on the Scorers screen, or change the gate on the Apps screen.")
        return PRODUCTION.red(found, mend, "scorers")
    used = candidate.evaluation.scorers if candidate.evaluation else {}
    changed = sorted(name for name, version in used.items() if specs.get(name, version) != version)
    if changed:
        found = Message("Scorers were changed after the evaluation: {names}.", names=", ".join(changed))
        mend = Message("Run the evaluation again with today's scorers.")
        return PRODUCTION.red(found, mend, "evaluations", candidate.to_evaluate)
    return _watched(candidate, watching.fit(candidate.workspace))


def _watched(candidate: Candidate, wanted: list[ScorerSpec]) -> Finding:
    """They start in the release; from then on, each of them must run in its version."""
    if not candidate.workspace.app.environment.live:
        return PRODUCTION.not_applicable(Message("They judge production alone; what is answered here has no verdicts."))
    running = {one.name: one.version for one in monitoring.production_scorers(candidate.workspace) if one.running}
    stopped = sorted(spec.name for spec in wanted if running.get(spec.name) != spec.version)
    if candidate.circumstances.watching and stopped:
        found = Message("Scorers that this release started do not watch production: {names}.", names=", ".join(stopped))
        mend = Message("Start them on the Monitoring screen, then resume the release.")
        return PRODUCTION.red(found, mend, "monitoring")
    if running:
        return PRODUCTION.green(Message("Running now: {n}.", n=len(running)))
    return PRODUCTION.green(Message("They start in this release, before anything is deployed: {n}.", n=len(wanted)))


def judges_fit(candidate: Candidate) -> Finding:
    """12: the judges that gate answer now, and people's opinions bear them out; a practice judge is never green."""
    workspace = candidate.workspace
    names = workspace.app.gate.minimum
    judging = [spec for spec in scorers.all(workspace) if spec.name in names and kinds.needs_judge(spec)]
    if not judging:
        return JUDGES.green(Message("No language model decides at the gate."))
    told = ", ".join(spec.name for spec in judging)
    away = _away(candidate)
    if away is not None:
        return away
    if workspace.settings.practice:
        found = Message(
            "The practice model judges for: {names}. It decides by rules, not by understanding.", names=told
        )
        mend = Message("Connect a real model before customers depend on these answers.")
        return JUDGES.amber(found, mend, "connection")
    return _agreeing(candidate, judging)


def _away(candidate: Candidate) -> Finding | None:
    """What was judged already counts; without an evaluation a judge that does not answer can give none."""
    try:
        playground.check_model(candidate.workspace, candidate.workspace.settings.judge_model)
    except ConsoleError as error:
        found = Message("The judge's model does not answer now: {reason}", reason=error.message)
        mend = Message("Check the model and its key; until it answers, nobody judges what production says.")
        light = JUDGES.red if candidate.evaluation is None else JUDGES.amber
        return light(found, mend, "connection")
    return None


def _agreeing(candidate: Candidate, judging: list[ScorerSpec]) -> Finding:
    workspace, found = candidate.workspace, health.all(candidate.workspace)
    line = health.line(workspace)
    unfit = sorted(spec.name for spec in judging if health.below(found[spec.name], line))
    if unfit:
        bad = Message("People disagree with a judge of the gate, or it often fails: {names}.", names=", ".join(unfit))
        mend = Message("Mend the judge on the Scorers screen, or choose another scorer for the gate.")
        return JUDGES.red(bad, mend, "scorers")
    unknown = sorted(spec.name for spec in judging if found[spec.name].agreement.n < line.opinions)
    if unknown:
        few = Message(
            "Too few people judged the same answers as: {names}. Whether they agree is not known.",
            names=", ".join(unknown),
        )
        return JUDGES.amber(
            few,
            Message("Give your own opinion on some answers: the Scorers screen says how many are needed."),
            "scorers",
        )
    return JUDGES.green(
        Message(
            "The judges answer, and people agree with them: {names}.", names=", ".join(spec.name for spec in judging)
        )
    )

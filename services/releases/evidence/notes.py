"""Release notes: what changed, how it was judged and how it went, told from the recorded facts alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from services import apps, verdicts
from services.interlocks import Light
from services.messages import Message, render
from services.releases.evidence.facts import Facts, Judged, Side
from services.releases.facts import Kind, State
from services.verdicts.numbers import percent

LONGEST_SETTINGS = 300
STATE = {
    State.PROPOSED: Message("It is proposed and waits for its start."),
    State.RUNNING: Message("It is on its way."),
    State.BLOCKED: Message("It was blocked by an interlock; nothing moved."),
    State.FAILED: Message("It failed before anything moved."),
    State.STOPPED: Message("It was stopped before its end."),
    State.UNPROVEN: Message("It moved what is live, and the proof was not found."),
    State.LIVE: Message("It went live, and the proof was found."),
    State.TAKEN_BACK: Message("It went live and was taken back later."),
    State.WITHDRAWN: Message("It was withdrawn; nothing moved."),
}

WORD = {
    Light.GREEN: Message("clear"),
    Light.AMBER: Message("to know"),
    Light.RED: Message("blocked"),
    Light.NOT_APPLICABLE: Message("not applicable"),
}


@dataclass(frozen=True)
class Section:
    """A heading with its sentences."""

    title: Message
    lines: tuple[Message, ...]


def title(facts: Facts) -> Message:
    return Message("Release {id} of {app}", id=facts.release.id, app=facts.app)


def sections(facts: Facts) -> list[Section]:
    """The notes in the order in which a reader asks."""
    found = [
        Section(Message("What moved"), tuple(_moved(facts))),
        Section(Message("What changed in the prompt"), tuple(_changed(facts))),
        Section(Message("How it was judged"), tuple(_judged(facts))),
        Section(Message("What the interlocks said"), tuple(_interlocks(facts))),
        Section(Message("How it went"), tuple(_went(facts))),
        Section(Message("What this rests on"), tuple(_rests_on(facts))),
    ]
    return [one for one in found if one.lines]


def markdown(facts: Facts, language: str) -> str:
    """The notes as a text to paste into a message or a wiki."""
    written = [f"# {render(title(facts), language)}"]
    for section in sections(facts):
        lines = "\n".join(f"- {' '.join(render(one, language).split())}" for one in section.lines)
        written.append(f"## {render(section.title, language)}\n\n{lines}")
    return "\n\n".join(written) + "\n"


def moment(at: datetime) -> str:
    """To the second, with its zone: evidence is read everywhere."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _moved(facts: Facts) -> Iterator[Message]:
    release = facts.release
    yield Message("Environment: {stage}.", stage=Message(apps.TITLE[release.stage]))
    yield STATE[release.state]
    if release.before.model_id is None:
        yield Message("Nothing was live before.")
    else:
        yield Message("Before: {pair}.", pair=_pair(facts.before))
    yield Message("After: {pair}.", pair=_pair(facts.after))
    if release.undoes is not None:
        yield Message("It took release {id} back.", id=release.undoes)
    elif release.kind is Kind.ROLLBACK:
        yield Message("It put back what release {id} had left.", id=release.restores or "–")
    if release.kind is Kind.ADOPTION:
        yield Message("Somebody moved it outside the console; this release takes it over.")
    yield Message("Proposed by {person} at {time}.", person=release.actor, time=moment(release.created_at))
    if release.why:
        yield Message("Reason: {reason}", reason=release.why)
    for one in facts.decisions:
        values = {"person": one.actor, "time": moment(one.at)}
        if one.approved:
            yield Message("Approved by {person} at {time}.", **values)
        else:
            yield Message("Rejected by {person} at {time}.", **values)
        if one.reason:
            yield Message("Reason: {reason}", reason=one.reason)


def _pair(side: Side) -> Message:
    if side.pair.prompt_version is None:
        return Message("agent version {agent}, which asks no prompt", agent=side.pair.agent_version or "–")
    return Message(
        "prompt {name} version {prompt} with agent version {agent}",
        name=side.prompt.name if side.prompt else "–",
        prompt=side.pair.prompt_version or "–",
        agent=side.pair.agent_version or "–",
    )


def _changed(facts: Facts) -> Iterator[Message]:
    found = facts.difference
    if found is None or facts.release.before.prompt_version == facts.release.after.prompt_version:
        return
    if not found.reaches_the_model:
        yield Message("What reaches the model is the same.")
    added = frozenset().union(*(one.text.added for one in found.messages))
    removed = frozenset().union(*(one.text.removed for one in found.messages))
    if added:
        yield Message("Variables added: {names}.", names=", ".join(sorted(added)))
    if removed:
        yield Message("Variables removed: {names}.", names=", ".join(sorted(removed)))
    for value in found.settings:
        before, after = ("–" if one is None else str(one) for one in (value.before, value.after))
        yield Message("{name}: {before} → {after}.", name=value.name, before=before, after=after)
    note = facts.after.prompt.note if facts.after.prompt else ""
    if note:
        yield Message("Its author's note: {note}", note=note)


def _judged(facts: Facts) -> Iterator[Message]:
    if facts.judged is None:
        if facts.release.evaluation:
            yield Message("The evaluation that it was judged by is not kept any more.")
        return
    made = facts.judged.evaluation
    yield Message(
        "Dataset {name}: {rows} questions, {failed} of them not answered.",
        name=made.dataset_name,
        rows=made.rows,
        failed=made.failed,
    )
    for name, score in made.scores.items():
        values = {"name": name, "judged": score.judged, "rows": score.rows, "mean": _mean(score.mean, score.kind)}
        yield Message("{name}: {mean}, judged {judged} of {rows} rows.", **values)
    if facts.verdict is None:
        yield Message("It was compared with nothing: there was no fitting evaluation of what was live.")
        return
    yield verdicts.sentence(facts.verdict)
    yield from facts.verdict.sentences


def _rests_on(facts: Facts) -> Iterator[Message]:
    """By which names everything is found again, and what it was made with."""
    models = [one.pair.model_id or "–" for one in (facts.before, facts.after)]
    yield Message("Agent versions in MLflow: {before} before, {after} after.", before=models[0], after=models[1])
    if facts.judged is not None:
        yield from _evaluated(facts.judged)
    if facts.baseline is not None:
        yield Message("Compared with the evaluation {run} of what was live.", run=facts.baseline.evaluation.run_id)
    for one in facts.scorers:
        settings = ", ".join(f"{name}: {value}" for name, value in one["settings"].items()) or "–"
        values = {"name": one["name"], "version": one["version"], "settings": _cut(settings)}
        yield Message("Scorer {name}, version {version}. Its settings: {settings}", **values)
    yield Message("Made with {versions}.", versions=", ".join(f"{name} {it}" for name, it in facts.environment.items()))


def _evaluated(judged: Judged) -> Iterator[Message]:
    made, spent = judged.evaluation, judged.spent
    yield Message(
        "Evaluation {run}, asked for by {person} at {time}.",
        run=made.run_id,
        person=made.actor or "–",
        time=moment(made.created_at),
    )
    yield Message("The questions as they were frozen have the SHA-256 hash {hash}.", hash=made.dataset_sha256)
    if made.practice_answered:
        yield Message("The practice model gave the answers: it stands in for a real one.")
    if made.practice_judged:
        yield Message("The practice model gave verdicts: it decides by rules, not by understanding.")
    written = {
        name: "–" if spent[name] is None else f"{spent[name]:,.0f}" for name in ("input_tokens", "output_tokens")
    }
    cost = "–" if spent["cost"] is None else f"{spent['cost']:.4f} USD"
    yield Message(
        "Its answers took {read} tokens read and {written} written. Cost: {cost}.",
        read=written["input_tokens"],
        written=written["output_tokens"],
        cost=cost,
    )


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_SETTINGS else text[: LONGEST_SETTINGS - 1] + "…"


def _mean(mean: float | None, kind: str) -> str:
    if mean is None:
        return "–"
    return percent(mean) if kind == "pass" else f"{mean:.3f}"


def _interlocks(facts: Facts) -> Iterator[Message]:
    for finding in facts.release.findings:
        yield Message(
            "{number}. {title} ({light}): {found}",
            number=finding.number,
            title=finding.title,
            light=WORD[finding.light],
            found=finding.found,
        )


def _went(facts: Facts) -> Iterator[Message]:
    release = facts.release
    for step in release.steps:
        if step.ended_at and step.detail:
            yield Message("{time}: {what}", time=moment(step.ended_at), what=step.detail)
    if release.proof and release.proof.prompt_version is None:
        yield Message(
            "Proof: the trace {trace} of an answer of the endpoint in {stage} shows the agent version. It asks no prompt, "
            "so there is none to prove. It took {seconds} s and {probes} {probes:question|questions}.",
            stage=Message(apps.TITLE[release.stage]),
            trace=release.proof.trace_id,
            seconds=release.proof.seconds,
            probes=release.proof.probes,
        )
    elif release.proof:
        yield Message(
            "Proof: the trace {trace} of an answer of the endpoint in {stage} shows prompt version {version}; it took "
            "{seconds} s and {probes} {probes:question|questions}.",
            stage=Message(apps.TITLE[release.stage]),
            trace=release.proof.trace_id,
            version=release.proof.prompt_version,
            seconds=release.proof.seconds,
            probes=release.proof.probes,
        )
    if release.error:
        yield Message("It ended with: {reason}", reason=release.error)

"""The noise floor of a comparison: how far two evaluations of one and the same thing (an A/A run) lie apart."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from services import audit, datasets, jobs, verdicts
from services.audit import Verb
from services.errors import NotReadyError
from services.evaluations import plan, reading, sources
from services.evaluations.records import Evaluation
from services.evaluations.sources import AGENT, ENDPOINT
from services.messages import Message
from services.verdicts import VerdictSettings

if TYPE_CHECKING:
    from services.jobs import Job
    from services.workspace import Workspace


@dataclass(frozen=True)
class Floor:
    """The larger difference of the known A/A runs by scorer, and OVERALL; `pairs` are the two evaluations of each."""

    sizes: dict[str, float] = field(default_factory=dict)
    pairs: tuple[tuple[Evaluation, Evaluation], ...] = ()


def alike(one: Evaluation, other: Evaluation) -> bool:
    """Whether both asked the same questions of the same version, and judged by the same scorers."""
    return one.run_id != other.run_id and _repeatable(one) and _asked(one) == _asked(other)


def floor(
    workspace: "Workspace", sides: Iterable[Evaluation], scorers: Sequence[str], settings: VerdictSettings, among: Sequence[Evaluation]
) -> Floor:  # fmt: skip
    """What is known of the noise of these evaluations, each beside the newest of `among` that asked the same.

    Two sides that asked the same are an A/A run themselves, which is not measured by itself.
    """
    compared = list(sides)
    excluded = {one.run_id for one in compared}
    pairs, sizes = [], dict[str, float]()
    for side in compared:
        twin = next((one for one in among if one.finished and one.run_id not in excluded and alike(one, side)), None)
        if twin is None:
            continue
        first, second = reading.rows(workspace, side), reading.rows(workspace, twin)
        found = verdicts.noise(first, second, scorers, replace(settings, noise={}))
        sizes = {name: max(sizes.get(name, 0.0), size) for name, size in found.items()}
        pairs.append((side, twin))
    return Floor(sizes, tuple(pairs))


def known(
    workspace: "Workspace", sides: Iterable[Evaluation], scorers: Sequence[str], settings: VerdictSettings, among: Sequence[Evaluation]
) -> VerdictSettings:  # fmt: skip
    """The settings with what is known of the noise."""
    return replace(settings, noise=floor(workspace, sides, scorers, settings, among).sizes)


def measure(workspace: "Workspace", made: Evaluation) -> "Job":
    """Queue the same evaluation once more; raises NotReadyError where the same cannot be asked again."""
    audit.require(workspace, Verb.EVALUATE)
    if not can_measure(made):
        raise NotReadyError(
            Message("This evaluation cannot be asked a second time."),
            Message("Evaluate an agent version, or what answers at the endpoint now, twice."),
        )
    before = jobs.get(workspace, made.job_id)
    args = {name: value for name, value in before.args.items() if name != "run_id"}
    changed = _changed(workspace, made, args)
    if changed:
        raise NotReadyError(changed, Message("Evaluate what stands there now twice, and compare those two."))
    return jobs.submit(workspace, "evaluate", args, exclusive=f"noise:{made.run_id}")


def can_measure(made: Evaluation) -> bool:
    """Whether asking again asks the same version; of an endpoint only the live ones can be asked."""
    return made.finished and _repeatable(made) and bool(made.job_id)


def _changed(workspace: "Workspace", made: Evaluation, args: Mapping[str, Any]) -> Message | None:
    """What is no longer as it was asked: the second evaluation would not be one of the same."""
    dataset = datasets.snapshot(workspace, made.dataset_id)
    rows = plan.Choice(**args.get("choice") or {}).of(dataset.rows)
    if plan.content(dataset, rows) != made.dataset_sha256:
        return Message("The dataset {name} was changed since: the same cannot be asked again.", name=made.dataset_name)
    now = {spec.name: spec.version for spec in plan.chosen(workspace, args.get("scorers"))}
    if now != dict(made.scorers):
        names = sorted({name for name, _version in now.items() ^ made.scorers.items()})
        return Message("Scorers were changed since: {names}.", names=", ".join(names))
    if made.source == ENDPOINT and sources.live(workspace) != made.live:
        return Message("Other versions answer at the endpoint now.")
    if workspace.settings.practice != made.practice:
        return Message("The practice model was connected or taken away since.")
    return None


def _repeatable(made: Evaluation) -> bool:
    return not made.outside and (made.source == AGENT or (made.source == ENDPOINT and bool(made.live)))


def _asked(made: Evaluation) -> tuple[object, ...]:
    return (
        made.source, made.live, made.model_id, made.prompt_name, made.prompt_version, made.dataset_sha256,
        made.repeats, made.practice, tuple(sorted(made.scorers.items())),
    )  # fmt: skip

"""A new labeling session: its answers, what is asked of each, and who judges them; made once, whatever gets lost."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from mlflow.entities import Trace, TraceData

from services import audit, jobs
from services.audit import Verb
from services.errors import ConflictError, InvalidInputError, NotReadyError, PlatformError
from services.jobs import Job
from services.messages import Message
from services.platforms.databricks import telling
from services.platforms.databricks.labeling import asking, sessions
from services.platforms.databricks.reach import within
from services.processes.lock import alone
from services.reviews import Form, Label, Rule, forms, marks, picking

if TYPE_CHECKING:
    from services.jobs import Work
    from services.workspace import Workspace

KIND = "label_traces"
DOING = Message("Making the labeling session")
# A step is a few requests, for which the vendor's clients set no limit of their own or one of minutes.
SECONDS = 120.0
T = TypeVar("T")


def start(workspace: "Workspace", form: Form, more: Sequence[str] = ()) -> Job:
    """Queue it; `more` are things that the Review App can ask already, by name.

    Raises InvalidInputError, and ConflictError for a name that is taken.
    """
    audit.require(workspace, Verb.MAKE_SESSION)
    form = replace(form, name=form.name.strip(), rule=replace(form.rule, seed=uuid4().hex))
    _check(form, more)
    if any(one.name == form.name for one in sessions.listed(workspace)):
        raise _taken(form.name)
    return _submit(workspace, _args(form, more))


def again(workspace: "Workspace", job: Job) -> Job:
    """Go on with one that failed: what stands already is not made twice."""
    audit.require(workspace, Verb.MAKE_SESSION)
    return _submit(workspace, job.args | {"traces": job.checkpoint.get("traces", [])})


def latest(workspace: "Workspace") -> Job | None:
    """The app's newest one, also when it is running or failed."""
    return next(iter(jobs.recent(workspace, KIND, limit=1)), None)


def run(workspace: "Workspace", work: "Work") -> dict[str, Any]:
    """The handler of the job “label_traces”."""
    form, more = _asked(work.args)
    work.progress(0, 3, Message("Looking for answers to review"))
    ids = work.checkpoint.get("traces") or work.args.get("traces")
    traces = _traces(workspace, ids or picking.pick(workspace, form.rule, form.rule.seed, (), form.rule.most))
    work.save({"traces": list(traces)})
    asks = [asking.name(label) for label in form.labels]
    told = {"rule": form.rule.to_json(), "asks": [*asks, *more], "people": list(form.reviewers), "answers": len(traces)}
    with audit.change(workspace, Verb.MAKE_SESSION, form.name, after=told) as change, _asking(workspace):
        work.progress(1, 3, DOING)
        app = _surely(lambda: _review_app(workspace), lambda: _review_app(workspace))
        for label in form.labels:
            _ask(workspace, app, label)
        session = _session(app, form, list(dict.fromkeys([*asks, *more])))
        work.progress(2, 3, Message("Adding the answers"))
        _add(workspace, session, traces)
        change.after = told | {"session": session.labeling_session_id}
    work.progress(3, 3)
    return {"session": session.labeling_session_id, "name": form.name, "answers": len(traces)}


def step(call: Callable[[], T], doing: Message = DOING, seconds: float = SECONDS) -> T:
    """What a call of the vendor's package returns; its errors become sentences, and it is not waited for longer."""
    with telling.told(doing):
        return within(seconds, call)


def session(workspace: "Workspace", id: str) -> Any:
    """A session of the experiment's Review App as the SDK has it; raises NotFoundError."""
    found = next((one for one in _review_app(workspace).get_labeling_sessions() if one.labeling_session_id == id), None)
    if found is None:
        raise sessions.missing(id)
    return found


def _review_app(workspace: "Workspace") -> Any:
    """The experiment's Review App, which is made where there is none.

    Of the experiment that is named: MLflow's other functions for labels take the one that the process worked on last.
    """
    from mlflow.genai.labeling.databricks_utils import get_databricks_review_app

    return get_databricks_review_app(workspace.app.experiment_id)


def _surely(make: Callable[[], T], look: Callable[[], T | None]) -> T:
    """What `make` made, or what `look` finds after it failed: an answer may get lost when its request was done."""
    try:
        return step(make)
    except PlatformError:
        found = step(look)
        if found is None:
            raise
        return found


def _ask(workspace: "Workspace", app: Any, label: Label) -> None:
    """Have the Review App be able to ask it; what other sessions ask is never changed."""
    known = next((one for one in app.label_schemas if one.name == asking.name(label)), None)
    if known is None:
        _surely(
            lambda: asking.create(app, label),
            lambda: next((one for one in _review_app(workspace).label_schemas if one.name == label.name), None),
        )
    elif not asking.same(known, label):
        raise ConflictError(
            Message("The Review App asks “{name}” already, and in another way.", name=label.name),
            Message("Choose it from what the Review App can ask, or give yours another name."),
        )


def _session(app: Any, form: Form, asks: list[str]) -> Any:
    found = step(lambda: _named(app, form.name))
    if found is None:
        return _surely(
            lambda: app.create_labeling_session(form.name, assigned_users=list(form.reviewers), label_schemas=asks),
            lambda: _named(app, form.name),
        )
    if set(found.label_schemas) != set(asks) or set(found.assigned_users) != set(form.reviewers):
        raise _taken(form.name)
    return found


def _named(app: Any, name: str) -> Any:
    return next((one for one in app.get_labeling_sessions() if one.name == name), None)


def _add(workspace: "Workspace", session: Any, traces: Mapping[str, Trace]) -> None:
    """Those that are not in it yet. One that holds others is somebody else's of the same name."""
    there = set(sessions.get(workspace, session.labeling_session_id)[1].traces)
    if not there <= traces.keys():
        raise _taken(session.name)
    missing = [trace for id, trace in traces.items() if id not in there]
    if not missing:
        return
    try:
        step(lambda: session.add_traces(missing))
    except PlatformError:
        if not traces.keys() <= set(sessions.get(workspace, session.labeling_session_id)[1].traces):
            raise


def _traces(workspace: "Workspace", ids: Sequence[str]) -> dict[str, Trace]:
    """Without their spans, which the SDK needs only to copy the traces of another experiment."""
    infos = marks.read(workspace, ids)
    ours = {id: infos[id] for id in ids if id in infos and infos[id].experiment_id == workspace.app.experiment_id}
    if not ours:
        raise NotReadyError(
            Message("No answer fits, so that there is nothing to judge yet."),
            Message("Choose a longer period or another reason, then try again."),
        )
    return {id: Trace(info, TraceData(spans=[])) for id, info in ours.items()}


def _check(form: Form, more: Sequence[str]) -> None:
    forms.check_choice(form)
    if form.labels or not more:
        forms.check_labels(form.labels)
    if not form.reviewers:
        raise InvalidInputError(
            Message("Nobody is named who judges in the Review App."),
            Message("Type the e-mail of at least one person as the workspace knows them."),
        )


def _args(form: Form, more: Sequence[str]) -> dict[str, Any]:
    labels = [label.to_json() for label in form.labels]
    kept = {"name": form.name, "rule": form.rule.to_json(), "labels": labels}
    return {**kept, "people": list(form.reviewers), "more": list(more)}


def _asked(args: Mapping[str, Any]) -> tuple[Form, tuple[str, ...]]:
    labels = tuple(Label.from_json(one) for one in args["labels"])
    return Form(args["name"], Rule.from_json(args["rule"]), labels, tuple(args["people"])), tuple(args["more"])


def _submit(workspace: "Workspace", args: dict[str, Any]) -> Job:
    job = jobs.submit(workspace, KIND, args, exclusive=f"{KIND}:{workspace.app.id}")
    if job.args["rule"] != args["rule"]:
        raise ConflictError(
            Message("Another labeling session is being made right now; yours was not."),
            Message("Wait until it is there, then try again."),
        )
    return job


def _taken(name: str) -> ConflictError:
    return ConflictError(
        Message("There is another labeling session with the name {name} already.", name=name),
        Message("Choose another name."),
    )


def _asking(workspace: "Workspace") -> AbstractContextManager[None]:
    """What the Review App can ask is rewritten as a whole: two sessions made at once would lose a question."""
    return alone(workspace.settings.run_folder / f"labels-{workspace.app.experiment_id}.lock")

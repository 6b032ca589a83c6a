"""Run an agent over the questions, read the scores, compare two versions."""

from typing import Any

import streamlit as st

from pages.components import agent_titles, feedback, session
from pages.components.evaluations import address, blind, comparison, filters, listing, paper, row, summary, titles
from pages.components.evaluations import rows as table
from pages.components.prompts import titles as prompt_titles
from services import agents, audit, datasets, evaluations, jobs, prompts
from services.agents import AgentVersion
from services.audit import Verb
from services.evaluations import Evaluation, baselines, browsing, comparing, reading
from services.messages import Message

_ = session.text


def start(model_id: str, version: int, dataset_id: str) -> None:
    with feedback.action(Message("The evaluation is on its way.")):
        st.session_state[job_key()] = evaluations.start(workspace, model_id, version, dataset_id).id


def job_key() -> str:
    """Where this session keeps the job that it started; jobs of another app cannot be read."""
    return f"evaluation-job-{workspace.app.id}"


def missing(ready: list[AgentVersion]) -> bool:
    """Say what must come first, with a link to its screen."""
    if not ready:
        st.info(_("Log an agent first: an evaluation asks one agent version with one prompt version."))
        st.page_link(session.page("agents"), label=_("Open Agents"), icon=":material/smart_toy:")
    elif not datasets.all(workspace):
        st.info(_("Collect questions first: an evaluation asks every question of a dataset."))
        st.page_link(session.page("datasets"), label=_("Open Datasets"), icon=":material/dataset:")
    else:
        return False
    return True


def choose_asked(name: str, key: str, known: list[Any]) -> None:
    """What the address asks for stands in the field; once, so that it can be changed afterwards."""
    asked = st.query_params.pop(name, None)
    found = [one for one in known if str(one) == asked]
    if found:
        st.session_state[key] = found[0]


def show_form() -> None:
    # An adopted experiment may hold models of another make, which ask none of the app's prompts.
    known = prompts.names(workspace)
    logged = [one for one in agents.versions(workspace) if one.status == "READY" and one.prompt_name in known]
    ready = {one.model_id: one for one in logged}
    if missing(list(ready.values())):
        return
    left, middle, right = st.columns(3)
    agent_labels = agent_titles.labels(ready.values())
    choose_asked("agent", f"evaluate-agent-{workspace.app.id}", list(ready))
    model_id = left.selectbox(
        _("Agent version"),
        list(ready),
        format_func=agent_labels.__getitem__,
        key=f"evaluate-agent-{workspace.app.id}",
    )
    labels = prompt_titles.labels(prompts.history(workspace, ready[model_id].prompt_name))
    choose_asked("version", f"evaluate-prompt-{workspace.app.id}-{ready[model_id].prompt_name}", list(labels))
    version = middle.selectbox(
        _("Prompt version"),
        list(labels),
        format_func=labels.__getitem__,
        key=f"evaluate-prompt-{workspace.app.id}-{ready[model_id].prompt_name}",
    )
    found = {one.id: one for one in datasets.all(workspace)}
    ids = list(found)
    dataset_id = right.selectbox(
        _("Dataset"),
        ids,
        index=ids.index(workspace.app.dataset_id) if workspace.app.dataset_id in ids else 0,
        format_func=lambda id: _("{name}: {n} questions", name=found[id].name, n=found[id].rows),
        key=f"evaluate-dataset-{workspace.app.id}",
    )
    if workspace.settings.practice:
        st.caption(
            _(
                "The practice model answers: it follows rules, so its scores show how the console works, not how a real model would do."
            )
        )
    st.button(
        _("Start evaluation"),
        type="primary",
        key="start",
        on_click=start,
        args=(model_id, version, dataset_id),
        disabled=version is None or not audit.allowed(workspace, Verb.EVALUATE),
    )


def show_jobs() -> None:
    """Whatever runs now, for everyone, and how the one started here ended."""
    own = st.session_state.get(job_key())
    live = [one.id for one in jobs.recent(workspace, "evaluate") if one.live]
    for id in dict.fromkeys([*live, *([own] if own else [])]):
        version = jobs.get(workspace, id).args["prompt_version"]
        st.markdown(_("**Evaluation with prompt version {n}**", n=version))
        feedback.job(id, Message("The evaluation is finished. Open it below."))


def shown(made: Evaluation) -> Evaluation:
    """Its head; what has no rows yet ends here."""
    pinned = baselines.pinned(workspace).get(baselines.key(made)) == made.run_id
    summary.head(made, pinned)
    if not made.finished:
        st.info(_("This evaluation has no scores: it is still running, failed, or was cancelled."))
        st.stop()
    if made.outside:
        with st.spinner(_("Reading the traces of this evaluation")):
            return reading.complete(workspace, made)
    return made


def compared_with(made: Evaluation) -> Evaluation | None:
    """What it is compared with: the address says it, the field changes it."""
    others = {one.run_id: one for one in evaluations.listed(workspace) if one.finished and one.run_id != made.run_id}
    against = st.query_params.get(address.AGAINST)
    st.session_state["against"] = against if against in others else None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            _("Compare with"),
            list(others),
            index=None,
            format_func=lambda id: titles.title(others[id]),
            key="against",
            placeholder=_("Choose an earlier evaluation"),
            on_change=lambda: address.compare_with(st.session_state["against"]),
        )
        baseline = baselines.of(workspace, made)
        if baseline in others and against != baseline:
            st.button(
                _("Compare with the baseline"),
                key="to-baseline",
                icon=":material/keep:",
                on_click=address.compare_with,
                args=(baseline,),
            )
        listing.pin_button(workspace, made)
        st.button(_("For printing"), key="paper", icon=":material/print:", on_click=address.show, args=(address.PAPER,))
    return reading.complete(workspace, others[against]) if against in others else None


def show_one(made: Evaluation) -> None:
    paper.style()
    asked_row, mode = st.query_params.get(address.ROW), st.query_params.get(address.MODE)
    if asked_row:
        show_row(made, asked_row)
        return
    made = shown(made)
    rows, questions = reading.rows(workspace, made), reading.questions(workspace, made)
    if questions.empty:
        st.info(_("This evaluation left no traces to read."))
        return
    kinds = reading.kinds(made, rows)
    other = compared_with(made)
    before = reading.questions(workspace, other) if other else None
    if mode == address.BLIND and other is not None and before is not None:
        blind.show(workspace, (made, other), (questions, before))
        return
    summary.proof(made)
    summary.scores(made, rows, kinds)
    found = comparing.compare(questions, before, kinds) if before is not None else None
    if found is not None and other is not None and before is not None:
        earlier = reading.rows(workspace, other)
        comparison.show(workspace, (made, other), (rows, earlier), (questions, before), found)
    else:
        summary.spent(questions)
    comparison.slices(comparing.slices(questions, before, found.kinds if found else kinds), kinds, before is not None)
    st.subheader(_("Questions and answers"), anchor=False)
    if mode == address.PAPER:
        wanted = address.asked()
        changes = found.changes if found else None
        paper.show(browsing.choose(questions, kinds, wanted, changes), kinds, wanted, before)
        return
    wanted = filters.show(workspace, questions, kinds, found is not None)
    chosen = browsing.choose(questions, kinds, wanted, found.changes if found else None)
    table.show(made, chosen, len(questions), kinds, wanted, before)


def show_row(made: Evaluation, row_id: str) -> None:
    """One row on the whole screen, among those that the address chooses."""
    known = shown(made)
    rows, questions = reading.rows(workspace, known), reading.questions(workspace, known)
    kinds = reading.kinds(known, rows)
    against = st.query_params.get(address.AGAINST)
    other = reading.complete(workspace, evaluations.get(workspace, against)) if against else None
    before = reading.questions(workspace, other) if other else None
    changes = comparing.compare(questions, before, kinds).changes if before is not None else None
    chosen = browsing.choose(questions, kinds, address.asked(), changes)
    compared = (other, before) if other is not None and before is not None else None
    row.show(workspace, known, chosen, row_id, kinds, compared)


workspace = session.workspace()
st.title(_("Evaluations"), anchor=False)
asked = st.query_params.get(address.RUN)
if asked:
    st.button(_("All evaluations"), icon=":material/arrow_back:", key="back", on_click=address.close)
    show_one(evaluations.get(workspace, asked))
    st.stop()
show_form()
show_jobs()
st.subheader(_("All evaluations"), anchor=False)
everything = evaluations.listed(workspace)
if everything:
    listing.show(workspace, everything)
elif not any(one.live for one in jobs.recent(workspace, "evaluate")):
    st.info(
        _("There are no evaluations yet. Each one will show here with the share of questions that every scorer passed.")
    )

"""Run an agent over the questions, read the scores, compare two versions."""

from typing import Any

import pandas as pd
import streamlit as st

from pages.components import agent_titles, evaluation_view, feedback, session, tables
from pages.components.prompts import titles
from services import agents, audit, datasets, evaluations, jobs, prompts
from services.agents import AgentVersion
from services.audit import Verb
from services.evaluations import Evaluation
from services.messages import Message

_ = session.text


def start(model_id: str, version: int, dataset_id: str) -> None:
    with feedback.action(Message("The evaluation is on its way.")):
        st.session_state[job_key()] = evaluations.start(workspace, model_id, version, dataset_id).id


def job_key() -> str:
    """Where this session keeps the job that it started; jobs of another app cannot be read."""
    return f"evaluation-job-{workspace.app.id}"


def open_run(run_id: str, against: str | None = None) -> None:
    st.query_params.clear()
    st.query_params["run"] = run_id
    if against:
        st.query_params["against"] = against


def compare_with() -> None:
    chosen = st.session_state.get("against")
    if chosen:
        st.query_params["against"] = chosen
    else:
        st.query_params.pop("against", None)


def close() -> None:
    st.query_params.clear()


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
    labels = titles.labels(prompts.history(workspace, ready[model_id].prompt_name))
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


def show_list(found: list[Evaluation]) -> None:
    names = list(dict.fromkeys(name for one in found for name in one.scores))
    asked = agent_titles.labels(agents.versions(workspace))
    table = pd.DataFrame(
        [
            {
                "time": session.moment(one.created_at),
                "prompt": f"{one.prompt_name} {one.prompt_version or one.requested_version}",
                "state": _(evaluation_view.STATE.get(one.state, one.state)),
                **{name: one.scores[name].mean * 100 if name in one.scores else None for name in names},
                "rows": one.rows or None,
                "failed": one.failed if one.rows else None,
                "agent": asked.get(one.model_id, "–"),
                "dataset": one.dataset_name,
                "model": _("practice model") if one.practice else "",
            }
            for one in found
        ]
    )
    event = st.dataframe(
        table,
        hide_index=True,
        on_select="rerun",
        selection_mode=tables.CLICK_OR_MANY,
        key="evaluations",
        placeholder="",
        column_config={
            "time": _("Started"),
            "prompt": _("Prompt version"),
            "agent": _("Agent version"),
            "dataset": _("Dataset"),
            "state": _("State"),
            "rows": st.column_config.NumberColumn(_("Questions")),
            "failed": st.column_config.NumberColumn(_("Not answered")),
            "model": _("Model"),
            **{name: st.column_config.NumberColumn(name, format="%.0f %%") for name in names},
        },
    )
    show_actions([found[position] for position in tables.chosen(event, len(found))])


def show_actions(chosen: list[Evaluation]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        one = chosen[0].run_id if len(chosen) == 1 else ""
        st.button(_("Open"), key="open", on_click=open_run, args=(one,), disabled=not one)
        newer, older = (chosen[0].run_id, chosen[1].run_id) if len(chosen) == 2 else ("", "")
        both = len(chosen) == 2 and all(one.finished for one in chosen)
        st.button(_("Compare"), key="compare", on_click=open_run, args=(newer, older), disabled=not both)
        st.caption(_("Choose one row to open it, two finished ones to compare them."))


def show_one(made: Evaluation) -> None:
    evaluation_view.head(made)
    if not made.finished:
        st.info(_("This evaluation has no scores: it is still running, failed, or was cancelled."))
        return
    evaluation_view.proof(made)
    evaluation_view.scores(made)
    rows = evaluations.rows(workspace, made.run_id)
    others = {one.run_id: one for one in evaluations.all(workspace) if one.finished and one.run_id != made.run_id}
    against = st.query_params.get("against")
    st.session_state["against"] = against if against in others else None
    st.selectbox(
        _("Compare with"),
        list(others),
        index=None,
        format_func=lambda id: evaluation_view.title(others[id]),
        key="against",
        placeholder=_("Choose an earlier evaluation"),
        on_change=compare_with,
    )
    if against in others:
        evaluation_view.comparison(made, others[against], rows, evaluations.rows(workspace, against))
    st.subheader(_("Questions and answers"), anchor=False)
    evaluation_view.table(made, rows)


workspace = session.workspace()
st.title(_("Evaluations"), anchor=False)
asked = st.query_params.get("run")
if asked:
    st.button(_("All evaluations"), icon=":material/arrow_back:", key="back", on_click=close)
    show_one(evaluations.get(workspace, asked))
    st.stop()
show_form()
show_jobs()
st.subheader(_("All evaluations"), anchor=False)
everything = evaluations.all(workspace)
if everything:
    show_list(everything)
elif not any(one.live for one in jobs.recent(workspace, "evaluate")):
    st.info(
        _("There are no evaluations yet. Each one will show here with the share of questions that every scorer passed.")
    )

"""How production does: volume, time, verdicts, cost; what was changed; and which scorers watch."""

import streamlit as st

from pages.components import agent_titles, alert_now, archive, feedback, saved_views, screens, session
from pages.components.production import sections, watching
from services import agents, apps, audit, monitoring, readmodel
from services.apps import Stage
from services.audit import Verb
from services.messages import Message, mark
from services.monitoring import Asked, Overview
from services.views import Choice
from services.workspace import Workspace

_, say = session.text, session.say

WINDOWS = {
    1: mark("1 hour"),
    6: mark("6 hours"),
    24: mark("24 hours"),
    168: mark("7 days"),
    720: mark("30 days"),
    2160: mark("90 days"),
}
REFRESHED_EVERY = 30
KEPT = ("hours", "agent", "prompt", "environment")


def chosen(name: str, key: str) -> None:
    """Keep a choice in the address, so that it can be passed on."""
    value = st.session_state[key]
    if value:
        st.query_params[name] = str(value)
    else:
        st.query_params.pop(name, None)


def open_view(choice: Choice) -> None:
    for name in KEPT:
        st.query_params.pop(name, None)
        st.session_state.pop(f"monitored-{name}", None)
    st.session_state.pop("window", None)
    st.query_params.update(choice)


def rebuild(workspace: Workspace) -> None:
    with feedback.action(Message("All traces are read again. The charts fill from the newest on.")):
        st.session_state[f"rebuild-{workspace.app.id}"] = readmodel.rebuild(workspace).id


def ask(known: dict[str, agents.AgentVersion]) -> Asked:
    """The window and the version, which an address may have set."""
    hours = session.number("hours") or 24
    # Not a segmented control: on the dark theme its chosen segment is too faint to read.
    window = st.radio(
        _("Period"),
        list(WINDOWS),
        index=next((place for place, one in enumerate(WINDOWS) if one >= hours), len(WINDOWS) - 1),
        format_func=lambda one: _(WINDOWS[one]),
        key="window",
        horizontal=True,
        on_change=chosen,
        args=("hours", "window"),
    )
    labels = agent_titles.labels(known.values())
    with st.container(horizontal=True):
        stage = _stage()
        versions = readmodel.versions(workspace, Asked(stage=stage).origin)
        agent = _one_of(_("Agent version"), "agent", versions.agents, labels)
        prompt = _one_of(_("Prompt version"), "prompt", versions.prompts, {})
    return Asked(window, agent, prompt, stage)


def _stage() -> Stage:
    """Which environment is looked at; production, where there is no other."""
    stages = sorted(apps.environments_of(workspace), key=list(Stage).index, reverse=True)
    if len(stages) < 2:
        return Stage.PRODUCTION
    given = st.query_params.get("environment")
    return st.selectbox(
        _("Environment"),
        stages,
        next((place for place, one in enumerate(stages) if one == given), 0),
        format_func=lambda one: _(apps.TITLE[one]),
        key="monitored-environment",
        on_change=chosen,
        args=("environment", "monitored-environment"),
    )


def _one_of(label: str, name: str, found: tuple[str, ...], labels: dict[str, str]) -> str:
    """One of the versions that answered, or all of them; nothing to choose among less than two."""
    given = st.query_params.get(name, "")
    if len(found) < 2 and given not in found:
        return ""
    options = ["", *found]
    return st.selectbox(
        label,
        options,
        options.index(given) if given in options else 0,
        format_func=lambda one: labels.get(one, one) or _("All versions"),
        key=f"monitored-{name}",
        on_change=chosen,
        args=(name, f"monitored-{name}"),
    )


def show(asked: Asked, known: dict[str, agents.AgentVersion], just_read: list[bool]) -> None:
    """The page has read what is new; drawn again by itself, this does."""
    found = monitoring.overview(workspace, asked, look=not just_read)
    just_read.clear()
    for reason in found.silence:
        st.info(session.escape(say(reason)))
    if not found.state.complete:
        st.warning(
            _("Older traces are still being read, so the numbers are too low. {n} are read.", n=found.state.traces)
        )
    if found.total.count:
        sections.totals(found)
        sections.first(found)
        sections.more(workspace, found, known)
        _show_age(found)


def _show_age(found: Overview) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if found.state.looked_at:
            st.caption(_age(found, session.moment(found.state.looked_at)), width="content")
        st.download_button(
            _("Data as CSV"),
            monitoring.as_csv(found),
            f"{workspace.app.id}.csv",
            "text/csv",
            key="csv",
            on_click="ignore",
        )


def _age(found: Overview, time: str) -> str:
    if found.asked.stage is Stage.PRODUCTION:
        return _("Live traffic only; read at {time}.", time=time)
    stage = _(apps.TITLE[found.asked.stage])
    return _("Asked in {stage} only, where no production scorer judges; read at {time}.", stage=stage, time=time)


def show_reading() -> None:
    """For the rare case that the charts are wrong: read everything again."""
    with st.expander(_("If these numbers look wrong")):
        st.markdown(
            _(
                "The charts are drawn from sums that are kept beside MLflow. They can be made again at any time, from MLflow."
            )
        )
        st.button(
            _("Read all traces again"),
            key="rebuild",
            on_click=rebuild,
            args=(workspace,),
            disabled=not audit.allowed(workspace, Verb.REBUILD_READ_MODEL),
        )
        if started := st.session_state.get(f"rebuild-{workspace.app.id}"):
            feedback.job(started, Message("All traces are read again."), kept=True)


workspace = session.workspace()
screens.show_title("monitoring")
if workspace.settings.practice:
    st.caption(_("The practice model answers and judges here, not a real language model."))
alert_now.show(workspace)
readmodel.catch_up(workspace)
known = {one.model_id: one for one in agents.versions(workspace)}
asked = ask(known)
with st.container(horizontal=True, vertical_alignment="center"):
    fresh = st.toggle(_("Refresh by itself"), key="refresh", help=_("Every half minute."))
    kept = {name: st.query_params.get_all(name) for name in KEPT if name in st.query_params}
    saved_views.show(workspace, "monitoring", kept, open_view)
st.fragment(run_every=REFRESHED_EVERY if fresh else None)(show)(asked, known, [True])
watching.show(workspace, int(asked.hours))
show_reading()
archive.show(workspace)

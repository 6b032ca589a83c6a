"""Propose what should go live, see what holds it, run it, take it back."""

import streamlit as st

from pages.components import (
    agent_titles,
    consequences,
    emergency,
    environments,
    feedback,
    moved_outside,
    release_approval,
    release_pairs,
    release_view,
    release_waiting,
    release_way,
    release_words,
    screens,
    session,
    shutting_down,
)
from pages.components.prompts import titles
from services import agents, apps, audit, prompts, releases
from services.agents import AgentVersion
from services.audit import Verb
from services.messages import Message
from services.releases import Live, Pair, Proposal, Release, State

_, say = session.text, session.say


def open_release(id: int) -> None:
    st.query_params["release"] = str(id)


# A click may overtake what was just typed: the fields are read in the callbacks, not taken from the last run.


def propose() -> None:
    agent, why = st.session_state[field("agent")], st.session_state[field("why")]
    asks = agents.get(workspace, agent).prompt_name in prompts.names(workspace)
    prompt = st.session_state[field("prompt")] if asks else None
    chosen = Proposal(
        agent,
        prompt,
        why,
        **release_way.chosen(workspace),
    )
    with feedback.action(Message("Proposed. The interlocks below say whether it may start.")):
        open_release(releases.propose(workspace, chosen).id)


def choose_pinned() -> None:
    """An agent that always answers with one version goes live with that one."""
    if pinned := agent_titles.pinned(workspace, agents.get(workspace, st.session_state[field("agent")])):
        st.session_state[field("prompt")] = pinned


def roll_back() -> None:
    with feedback.action(Message("Rolling back.")):
        open_release(releases.roll_back(workspace, st.session_state[field("reason")]).id)


def field(name: str) -> str:
    environment = workspace.app.environment
    return f"release-{name}-{workspace.app.id}" + ("" if environment.live else f"-{environment.stage}")


def show_live(live: Live) -> None:
    if live.release is None:
        if not shutting_down.show_ended(workspace):
            with st.container(border=True):
                st.write(_("Nothing is live yet."))
        return
    if live.moved_outside and not any(one.working and one.due_at is None for one in releases.all(workspace)):
        moved_outside.show(workspace, live, live.release)
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(_stands(live.pair, live.release.id))
        show_roll_back(live)
        shutting_down.show_button(workspace, live)


def _stands(pair: Pair, id: int) -> str:
    told, environment = release_pairs.told(pair), workspace.app.environment
    if environment.live:
        return _("**Live:** {pair}, by release {id}.", pair=told, id=id)
    return _("**In {stage}:** {pair}, by release {id}.", stage=_(apps.TITLE[environment.stage]), pair=told, id=id)


def show_roll_back(live: Live) -> None:
    target = releases.rollback_target(workspace)
    if target is None:
        st.caption(_("Nothing proven was live before it: in an emergency, take it offline."))
        return
    with st.popover(_("Roll back"), icon=":material/undo:", disabled=not audit.allowed(workspace, Verb.ROLL_BACK)):
        consequences.show(releases.consequences.of_roll_back(workspace, live, target))
        for one in (one for one in releases.all(workspace) if one.working):
            st.caption(_("Release {id} is planned or on its way: it is stopped first.", id=one.id))
        st.text_input(_("Reason"), key=field("reason"), placeholder=_("What went wrong?"))
        st.button(_("Roll back now"), type="primary", key="rollback", on_click=roll_back)


def show_left_out(left: list[AgentVersion]) -> None:
    if left:
        listed = ", ".join(agent_titles.labels(left).values())
        st.caption(
            _(
                "Not in the list, because their prompt is archived or in the trash: {names}.",
                names=session.escape(listed),
            )
        )


def show_form(live: Live) -> None:
    away = set(prompts.every_name(workspace)) - set(prompts.names(workspace))
    logged = [one for one in agents.versions(workspace) if one.status == "READY"]
    ready = [one for one in logged if one.prompt_name not in away]
    show_left_out([one for one in logged if one.prompt_name in away])
    if not ready:
        st.info(_("Log an agent first: a release makes one agent version live, with one version of its prompt."))
        st.page_link(session.page("agents"), label=_("Open Agents"), icon=":material/smart_toy:")
        return
    labels = agent_titles.labels(ready)
    chosen = st.selectbox(
        _("Agent version"),
        list(labels),
        format_func=labels.__getitem__,
        key=field("agent"),
        index=_first_position(live, list(labels)),
        on_change=choose_pinned,
    )
    agent = next(one for one in ready if one.model_id == chosen)
    chooses = show_prompt(agent)
    st.text_input(_("What this release is for"), key=field("why"))
    if workspace.app.environment.live:
        release_way.show(workspace, live, agent)
    st.button(
        _("Propose release"),
        type="primary",
        key="propose",
        on_click=propose,
        disabled=not chooses or not audit.allowed(workspace, Verb.PROPOSE_RELEASE),
    )


def show_prompt(agent: AgentVersion) -> bool:
    """The choice of the prompt version, for an agent that asks one; whether nothing is left to choose."""
    if agent.prompt_name not in prompts.names(workspace):
        st.info(
            _(
                "This agent asks no prompt of the app: what it says is in its code. The release moves the agent version "
                "alone, and the interlocks about prompts do not apply."
            ),
            icon=":material/info:",
        )
        return True
    notes = titles.labels(prompts.history(workspace, agent.prompt_name))
    # What was proposed before, and went live or was held, is chosen by hand: one click must not repeat it.
    tried = {one.after.prompt_version for one in releases.of_prompt(workspace, agent.prompt_name)}
    tried_before, asked = next(iter(notes), None) in tried, session.number("prompt") or agent.pinned
    first = None if tried_before else 0
    version = st.selectbox(
        _("Prompt version"),
        list(notes),
        index=list(notes).index(asked) if asked in notes else first,
        format_func=notes.__getitem__,
        key=field("prompt"),
        placeholder=_("The newest one was proposed before. Choose one, or write a better one first."),
    )
    return version is not None


def _first_position(live: Live, ids: list[str]) -> int:
    """The agent version that the address asks for, else the live one, else the newest."""
    asked = (st.query_params.get("agent"), live.pair.model_id)
    return next((ids.index(one) for one in asked if one in ids), 0)


def show_environment() -> None:
    """What counts in an environment that customers do not ask."""
    environment = workspace.app.environment
    if environment.live:
        return
    st.caption(
        _(
            "Releases to {stage}: the endpoint {endpoint} and the prompt alias {alias}. Customers notice nothing, and what "
            "is asked here counts in no number of production.",
            stage=_(apps.TITLE[environment.stage]),
            endpoint=environment.endpoint,
            alias=environment.alias,
        )
    )


def show_list(found: list[Release], live: Live) -> None:
    replaced = releases.successors(workspace)
    for release in (releases.standing(workspace, one) if one.state is State.PROPOSED else one for one in found):
        with st.container(border=True):
            name, state, what, who = st.columns([2.7, 2.3, 4.8, 2.6], vertical_alignment="center")
        name.button(
            _("Release {id}", id=release.id), key=f"open-{release.id}", on_click=open_release, args=(release.id,)
        )
        stands = (
            release_words.standing(release, live, replaced.get(release.id)),
            release_approval.badge(workspace, release),
        )
        state.markdown(" ".join(filter(None, stands)))
        what.markdown(release_words.sentence(release))
        who.caption(f"{session.escape(release.actor)} · {session.moment(release.created_at)}")


def show_all() -> None:
    choice = st.container()
    show_environment()
    emergency.show(workspace)
    emergency.show_stop(workspace)
    with choice:
        environments.show(workspace)
    live = releases.live(workspace)
    if not shutting_down.show(workspace):
        show_live(live)
    st.header(_("New release"), anchor=False)
    show_form(live)
    st.header(_("All releases"), anchor=False)
    found = releases.all(workspace)
    if found:
        show_list(found, live)
        release_waiting.show_then(workspace)
    else:
        st.info(
            _(
                "There are no releases yet. The first one makes an agent answer behind the endpoint {name}.",
                name=workspace.app.endpoint,
            )
        )


workspace = session.workspace()
screens.show_title("releases")
chosen = session.number("release")
if chosen is None:
    workspace = environments.chosen(workspace)
    show_all()
else:
    release_view.show(releases.place(workspace, chosen), chosen)

"""What is live, what to do next, what is on its way."""

import streamlit as st

from pages.components import alert_now, emergency, release_waiting, session, since_visit
from services import home
from services.home import Home, NextStep, Stage

_, say = session.text, session.say
MOST_DRAFTS = 5


def show_live(summary: Home) -> None:
    pair, release = summary.live.pair, summary.live.release
    with st.container(border=True):
        st.header(_("Live now"), anchor=False)
        if pair.model_id is None or release is None:
            st.write(_("Nothing is live yet. Follow the steps below; each one takes a minute or two."))
            return
        prompt, agent, since = st.columns(3)
        shown = _("version {n}", n=pair.prompt_version) if pair.prompt_version else _("none")
        prompt.metric(
            _("Prompt"), shown, help=summary.live.prompt_name or _("The agent's instructions are in its code.")
        )
        agent.metric(_("Agent"), _("version {n}", n=pair.agent_version or "–"))
        with since.container(gap="xxsmall"):
            st.caption(_("Since"))
            st.markdown(f"**{session.moment(release.ended_at or release.created_at)}**")
        if summary.live.moved_outside:
            st.warning(_("Something was moved outside the console since release {id}.", id=release.id))
            st.page_link(session.page("releases"), label=_("Adopt it or put it back"), icon=":material/train:")
        elif release.proof:
            st.caption(
                _("Proven {seconds} s after the move by a trace of the live endpoint.", seconds=release.proof.seconds)
            )
        st.page_link(session.page("monitoring"), label=_("Watch production"), icon=":material/monitoring:")


def show_next(step: NextStep) -> None:
    """The one thing that this person may do next."""
    with st.container(border=True):
        told, way = st.columns([3, 1], vertical_alignment="center")
        with told, st.container(gap="xxsmall"):
            st.caption(_("Next for you"))
            st.markdown(f"**{session.escape(say(step.what))}**")
            st.caption(session.escape(say(step.why)))
        way = way.container(horizontal=True, horizontal_alignment="right")
        if way.button(_("Do this next"), type="primary", key=f"next-{step.page}"):
            st.switch_page(session.page(step.page), query_params=step.query)


def show_stage(position: int, stage: Stage) -> None:
    with st.container(border=True):
        title, detail, way = st.columns([4, 5, 2], vertical_alignment="center")
        mark = ":green[:material/check_circle:]" if stage.done else ":material/radio_button_unchecked:"
        title.markdown(f"{mark} **{position}. {session.escape(say(stage.title))}**")
        detail.caption(session.escape(say(stage.detail)))
        way = way.container(horizontal=True, horizontal_alignment="right")
        way.page_link(session.page(stage.page), label=_("Open"), icon=":material/arrow_forward:")


def show_stages(summary: Home) -> None:
    st.header(_("The way to production"), anchor=False)
    for position, stage in enumerate(summary.stages, 1):
        show_stage(position, stage)


def show_releases(summary: Home) -> None:
    if not summary.releases:
        return
    st.header(_("Latest releases"), anchor=False)
    for release in summary.releases:
        label = _("Release {id}: {state}", id=release.id, state=session.release_state(release))
        st.page_link(
            session.page("releases"),
            label=label,
            icon=":material/train:",
            query_params={"release": str(release.id)},
        )


def show_reviews(summary: Home) -> None:
    """The answers that wait for this person, by queue."""
    for queue, n in summary.reviews:
        waiting = _("{n} {n:answer waits|answers wait} for you", n=n)
        st.page_link(
            session.page("reviews"),
            label=f"{waiting} · {session.escape(queue.name)}",
            icon=":material/rate_review:",
            query_params={"queue": str(queue.id)},
        )


def show_drafts(summary: Home) -> None:
    """What this person wrote and did not save, with the way back to it."""
    if not summary.drafts:
        return
    st.header(_("Your unsaved drafts"), anchor=False)
    for draft in summary.drafts[:MOST_DRAFTS]:
        name = draft.name or draft.new_name.strip()
        written = session.moment(draft.updated_at) if draft.updated_at else "–"
        st.page_link(
            session.page("prompts"),
            label=session.escape(name or _("A new prompt")) + " · " + _("last written {time}", time=written),
            icon=":material/edit_note:",
            query_params={"prompt": draft.name, "view": "write"} if draft.name else {"new": "1"},
        )


workspace = session.workspace()
summary = home.summary(workspace)
st.title(session.escape(workspace.app.name), anchor=False)
if workspace.settings.practice:
    st.caption(
        _("The practice model answers here: no account, no key, no internet. README says how to connect a real model.")
    )
for job in summary.running:
    st.info(_("On its way: {what}", what=session.job_kind(job.kind)), icon=":material/progress_activity:")
emergency.show(workspace)
alert_now.show(workspace)
show_next(summary.next)
show_live(summary)
release_waiting.show(summary.waiting)
since_visit.show(workspace)
show_reviews(summary)
show_drafts(summary)
show_stages(summary)
show_releases(summary)

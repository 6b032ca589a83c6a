"""The workspace's own job that judges live answers: its state, its rhythm, and every scorer that it knows."""

import streamlit as st

from pages.components import feedback, session
from services import audit
from services.audit import Verb
from services.messages import Message
from services.platforms.databricks import schedule
from services.platforms.databricks.schedule import Job, Registered, Schedule
from services.workspace import Workspace

_ = session.text

DELETE_MONITOR = """from databricks.agents.monitoring import delete_external_monitor
delete_external_monitor(experiment_id="{id}")"""


def show(workspace: Workspace) -> None:
    """On one machine there is none: the worker judges."""
    now = schedule.state(workspace)
    with st.container(border=True):
        if now.legacy:
            _show_monitor(workspace)
            return
        _show_job(now.job, now.minutes)
        if now.registered:
            _show_rhythm(workspace, now.minutes)
            _show_registered(workspace, now)


def _show_monitor(workspace: Workspace) -> None:
    st.error(
        _(
            "An external monitor of an older version watches this experiment, and the two exclude each other: no production "
            "scorer can start. Have an engineer run this once; what the monitor found stays."
        ),
        icon=":material/block:",
    )
    st.code(DELETE_MONITOR.format(id=workspace.app.experiment_id), language=None, wrap_lines=True)


def _show_job(job: Job | None, minutes: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{_('The scoring job of the workspace')}** {_badge(job)}", width="content")
        if job:
            st.link_button(_("Open its job in Databricks"), job.page, icon=":material/open_in_new:", type="tertiary")
    if job is None:
        st.caption(_("The workspace makes it with the first scorer that starts."))
    elif job.paused:
        st.caption(
            _("Nothing is judged until somebody starts it. It pauses when scorers were started after a deployment.")
        )
    else:
        st.caption(_("It judges new answers every {n} minutes. {last}", n=minutes, last=_last(job)))


def _badge(job: Job | None) -> str:
    if job is None:
        return f":gray-badge[{_('not there yet')}]"
    return f":red-badge[{_('paused')}]" if job.paused else f":green-badge[{_('active')}]"


def _last(job: Job) -> str:
    if job.last is None:
        return _("It has not run yet; the first verdicts take 15 to 20 minutes.")
    if job.failed:
        return _(
            "Its last run, at {time}, failed: {reason}",
            time=session.moment(job.last),
            reason=session.escape(job.failed),
        )
    return _("Its last run ended at {time}.", time=session.moment(job.last))


def _show_rhythm(workspace: Workspace, minutes: int) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.number_input(
            _("Minutes between two runs"),
            schedule.FASTEST,
            schedule.SLOWEST,
            minutes,
            key=_key(workspace, "minutes"),
            help=_("More often means fresher verdicts and a higher cost."),
            width=260,
        )
        st.button(
            _("Save how often"),
            key="save-rhythm",
            on_click=_save_minutes,
            args=(workspace,),
            disabled=not audit.allowed(workspace, Verb.START_SCORERS),
        )


def _show_registered(workspace: Workspace, now: Schedule) -> None:
    with st.expander(
        _(
            "Scorers that the workspace keeps for this experiment: {n} of {most}",
            n=len(now.registered),
            most=schedule.MOST,
        )
    ):
        st.caption(_("Those that stand still count as well. Deleting one leaves its verdicts where they are."))
        for one in now.registered:
            told, button = st.columns([8, 2], vertical_alignment="center")
            told.markdown(f"**{session.escape(one.name)}** · {_describe(one)}")
            if not (one.ours and one.rate):
                button.button(
                    _("Delete"),
                    key=f"delete-scorer-{one.name}",
                    on_click=_delete,
                    args=(workspace, one.name),
                    disabled=not audit.allowed(workspace, Verb.STOP_SCORERS),
                )


def _describe(one: Registered) -> str:
    told = [_("judges {n} %", n=f"{one.rate * 100:g}") if one.rate else _("stands still")]
    if one.only:
        told.append(_("only where {filter}", filter=session.escape(one.only)))
    if not one.ours:
        told.append(_("made outside this console"))
    return " · ".join(told)


def _save_minutes(workspace: Workspace) -> None:
    minutes = int(st.session_state[_key(workspace, "minutes")])
    with feedback.action(Message("Saved. The workspace judges every {n} minutes.", n=minutes)):
        schedule.save_minutes(workspace, minutes)


def _delete(workspace: Workspace, name: str) -> None:
    with feedback.action(Message("Deleted {name} from the workspace. Its verdicts stay.", name=name)):
        schedule.delete(workspace, name)


def _key(workspace: Workspace, what: str) -> str:
    return f"schedule-{workspace.app.id}-{what}"

"""Two agent versions side by side: settings, requirements, code, scores."""

from typing import Any

import pandas as pd
import streamlit as st

from pages.components import agent_titles, diff, session
from pages.components.evaluations.titles import score
from services.agents import AgentVersion, comparing
from services.agents.comparing import AgentComparison, Change
from services.messages import Message
from services.prompts import Content
from services.prompts.comparison import compare
from services.workspace import Workspace

_ = session.text


# Another choice runs only this part again.
@st.fragment
def show(workspace: Workspace, agent: AgentVersion, ready: list[AgentVersion]) -> None:
    """A choice of another version, at first the one before it, and what differs."""
    others = [one for one in ready if one.model_id != agent.model_id]
    if not others:
        st.info(_("There is no other agent version yet. Log a second one to see what it changes."))
        return
    labels, known = agent_titles.labels(others), {one.model_id: one for one in others}
    earlier = next((at for at, one in enumerate(others) if one.created_at < agent.created_at), 0)
    old = st.selectbox(
        _("Compared with"),
        list(labels),
        index=earlier,
        format_func=labels.__getitem__,
        key=f"compare-agent/{agent.model_id}",
    )
    found = comparing.compare(workspace, known[old], agent)
    _show_changes(_("Settings"), found.settings, _("They were logged with the same settings."))
    _show_changes(_("Requirements"), found.requirements, _("They need the same packages."))
    _show_scores(found)
    _show_code(found, (labels[old], agent_titles.label(agent)))


def _show_changes(title: str, changes: tuple[Change, ...], same: str) -> None:
    st.markdown(f"**{title}**")
    if not changes:
        st.caption(same)
        return
    st.dataframe(
        pd.DataFrame(
            [(session.say(one.name), told(one.before), told(one.after)) for one in changes],
            columns=["name", "old", "new"],
        ),
        hide_index=True,
        height="content",
        column_config={"name": _("Name"), "old": _("Before"), "new": _("After")},
    )


def _show_scores(found: AgentComparison) -> None:
    st.markdown(f"**{_('Scores of the newest evaluation of each')}**")
    if not found.scores:
        st.caption(_("Neither of them was evaluated yet."))
        return
    st.dataframe(
        pd.DataFrame(
            [(one.name, score(one.before), score(one.after)) for one in found.scores], columns=["name", "old", "new"]
        ),
        hide_index=True,
        column_config={"name": _("Scorer"), "old": _("Before"), "new": _("After")},
    )
    asked = [
        f"{one.prompt_name} {one.prompt_version or '–'}, {one.dataset_name}" if one else "–"
        for one in found.evaluations
    ]
    st.caption(session.escape(_("Evaluated with: {old} and {new}.", old=asked[0], new=asked[1])))


def _show_code(found: AgentComparison, names: tuple[str, str]) -> None:
    st.markdown(f"**{_('Code')}**")
    old, new = found.code
    if old == new:
        st.caption(_("They run the same code."))
        return
    st.html(diff.markup(compare(Content(old), Content(new)), names, beside=True, changes_only=True))


def told(value: Any) -> str:
    """A value that something has, has not, or, for a package, has in any version."""
    if value == "":
        return _("any version")
    return "–" if value is None else session.say(value) if isinstance(value, Message) else str(value)

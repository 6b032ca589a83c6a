"""What the versions at an endpoint are told by their environment: what is wrong stands open, what is well is folded away."""

import streamlit as st

from pages.components import session
from services.messages import mark
from services.platforms.databricks.environment_facts import Line, Standing, Told
from services.workspace import Workspace

_, say = session.text, session.say

HEIGHT = 216  # six lines
BADGE = {
    Standing.PLAIN: ("red", mark("key in plain text")),
    Standing.CONFLICT: ("red", mark("contradiction")),
    Standing.MISSING: ("red", mark("missing")),
    Standing.OTHER: ("orange", mark("differs")),
    Standing.IGNORED: ("orange", mark("does nothing")),
}


def show(workspace: Workspace) -> None:
    """For an endpoint of a workspace; a gateway's versions get the console's own environment."""
    if workspace.settings.databricks is None:
        return
    found = _read(workspace)
    if not found:
        return
    wrong = sum(len(one.wrong) for one in found)
    label = _("Environment variables of the versions")
    with st.expander(
        f"{label} :orange-badge[{_('to look at: {n}', n=wrong)}]" if wrong else label,
        icon=":material/tune:",
        expanded=bool(wrong),
    ):
        st.caption(
            _(
                "What the endpoint tells each version, read from the workspace. Values that could be keys are never shown."
            )
        )
        for one in sorted(found, key=lambda one: -one.weight):
            _show_version(one, alone=len(found) == 1)


def show_findings(workspace: Workspace, version: int | None) -> None:
    """For a release: whether the version that it deployed was told what it needs; nothing where all is well."""
    if workspace.settings.databricks is None or version is None:
        return
    wrong = next((one.wrong for one in _read(workspace) if one.version == version), ())
    if wrong:
        names = ", ".join(one.name for one in wrong)
        st.warning(
            _("Environment variables of version {n} need a look: {names}.", n=version, names=session.escape(names)),
            icon=":material/tune:",
        )
        st.page_link(session.page("endpoints"), label=_("Open Endpoints"), icon=":material/dns:")


def _read(workspace: Workspace) -> list[Told]:
    """Where no workspace is connected, the SDK is not even loaded."""
    from services.platforms.databricks import environment

    return environment.of(workspace)


def _show_version(told: Told, alone: bool) -> None:
    if not alone:
        st.markdown(f"**{_('Agent version {n}', n=told.version)}** · {_('{n} % of the traffic', n=told.weight)}")
    for line in told.wrong:
        _show_wrong(line)
    well = [line for line in told.lines if line not in told.wrong]
    if not told.wrong:
        st.markdown(f":green[:material/check_circle:] {_('It is told all that it needs.')}")
    st.dataframe(
        {_("Name"): [one.name for one in well], _("Value"): [_value(one) for one in well]},
        hide_index=True,
        height=HEIGHT,
        key=f"environment-of-{told.version}",
    )


def _value(line: Line) -> str:
    if line.shown is None:
        return _("not shown")
    return line.shown or _("empty")


def _show_wrong(line: Line) -> None:
    colour, word = BADGE[line.standing]
    value = f" = {session.escape(line.shown)}" if line.shown else ""
    why = session.escape(say(line.why)) if line.why else ""
    mend = session.escape(say(line.mend)) if line.mend else ""
    with st.container(border=True):
        st.markdown(f":{colour}-badge[{_(word)}] **{session.escape(line.name)}**{value}  \n{why}")
        st.markdown(_("**Next step:** {what}", what=mend))

"""What others changed since this person was here before: releases, pointers and rules."""

import streamlit as st

from pages.components import audit_lines, session
from services import audit
from services.audit import Verb, visits
from services.workspace import Workspace

_ = session.text


def show(workspace: Workspace) -> None:
    since = visits.began(workspace)
    lines = visits.changes(workspace, since) if since else ()
    if since is None or not lines:
        return
    with st.container(border=True):
        st.header(_("Since your last visit"), anchor=False)
        st.caption(_("What others changed since {time}, newest first.", time=session.moment(since)))
        for line in lines:
            st.markdown(f":gray[{session.moment(line.at)}] {audit_lines.plain(line)}")
        if audit.allowed(workspace, Verb.READ_AUDIT):
            st.page_link(
                session.page("audit"),
                label=_("Everything since then"),
                icon=":material/history_edu:",
                query_params={"from": since.isoformat()},
            )

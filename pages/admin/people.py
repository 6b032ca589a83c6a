"""Who was seen here, with which roles and by which line of the roles file, and what each role may do."""

import pandas as pd
import streamlit as st

from pages.components import screens, session
from services import people
from services.messages import mark
from services.people import ALL_ROLES, ROLE_NAME, Entry, Role, listing
from services.people.listing import Seen

_ = session.text
MODE = {
    "local": mark("Whoever opens the console on this machine is {person} and has every role."),
    "oidc": mark("People sign in at {place}. Who is in no line of the roles file is refused."),
    "proxy": mark("A proxy in front of the console says who comes. Who is in no line of the roles file may only look."),
}


def named(roles: frozenset[Role]) -> str:
    if roles == ALL_ROLES:
        return _("every role")
    return ", ".join(session.text(ROLE_NAME[role]) for role in Role if role in roles) or _("no longer let in")


def told(entry: Entry) -> str:
    """An entry of the file as people find it there."""
    line = _("line {n}", n=entry.line) if entry.line else _("in the file")
    return f"{session.text(ROLE_NAME[entry.role])}: {entry.member} ({line})"


def why(seen: Seen) -> str:
    if workspace.settings.identity == "local":
        return _("this machine's own operator")
    if not seen.entries:
        return _("no line names them")
    return "; ".join(told(entry) for entry in seen.entries)


def show_file() -> None:
    """Where the roles come from, and whether the file can be read."""
    settings = workspace.settings
    facts = {"person": session.escape(settings.operator), "place": session.escape(settings.oidc.url)}
    st.write(session.text(MODE[settings.identity], **facts))
    if settings.roles_file is None or settings.identity == "local":
        return
    read = people.roles_file(settings)
    file, when = session.escape(str(settings.roles_file)), session.moment(read.read_at)
    st.caption(_("Roles file {path}, read {time}. A change counts at once.", path=file, time=when))
    absent = listing.unseen(workspace)
    if absent:
        with st.expander(_("In the roles file, but never seen here: {n}", n=len(absent))):
            st.table(pd.DataFrame({_("Entry"): [told(one) for one in absent]}), hide_index=True)


def show_people() -> None:
    st.header(_("Seen here"), anchor=False)
    rows = [(one.id, named(one.roles), why(one), ", ".join(one.groups), session.moment(one.last_seen)) for one in known]
    st.dataframe(
        pd.DataFrame(rows, columns=[_("Person"), _("Roles"), _("Why"), _("Groups"), _("Last seen")]),
        hide_index=True,
        width="stretch",
    )


def show_roles() -> None:
    st.header(_("What each role may do"), anchor=False)
    st.caption(_("Roles add up. An admin may do all of it; every role may look."))
    for role in Role:
        allowed = [session.text(id) for id in listing.allowed_to(role)]
        with st.expander(_("{role}: {n} {n:action|actions}", role=session.text(ROLE_NAME[role]), n=len(allowed))):
            st.markdown("\n".join(f"- {session.escape(one)}" for one in allowed))


workspace = session.workspace()
screens.show_title("people")
known = listing.known(workspace)
show_file()
show_people()
show_roles()

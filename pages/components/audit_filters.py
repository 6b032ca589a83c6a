"""Which lines of the audit log: every filter stands in the address, so that a list can be passed on."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta

import streamlit as st

from pages.components import session
from services.audit import DOING, Verb
from services.audit.searching import AuditQuery, people
from services.audit.sentences import actor
from services.messages import mark
from services.workspace import Workspace

_, say = session.text, session.say

OUTCOME = {
    "done": mark("done"),
    "failed": mark("failed"),
    "unknown": mark("end unknown"),
    "intent": mark("begun, not ended"),
}
NAMES = ("person", "verb", "subject", "outcome", "apps", "from", "to")
PLACES = ("before", "after")
EVERY_APP = "all"
LONGEST = 200
YEARS = range(2000, 2200)  # beyond them, calculating with zones ends


def query(workspace: Workspace) -> AuditQuery:
    """What the address asks for; what cannot be read in it is left out."""
    given = st.query_params
    since, until = _moment("from"), _moment("to")
    return AuditQuery(
        app=None if given.get("apps") == EVERY_APP else workspace.app.id,
        actor=given.get("person") or None,
        verbs=(Verb(given["verb"]),) if given.get("verb") in set(Verb) else (),
        subject=given.get("subject", "")[:LONGEST],
        outcome=given.get("outcome") if given.get("outcome") in OUTCOME else None,
        since=since,
        until=until + timedelta(days=1) if until and len(given["to"]) == len("2026-01-01") else until,
        before=session.number("before"),
        after=session.number("after"),
    )


def turn(**places: int) -> None:
    """Go to another page of the list; without a place, to the newest one."""
    _forget(*PLACES)
    for name, number in places.items():
        st.query_params[name] = str(number)


def show(workspace: Workspace) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _choice(_("Person"), "person", people(workspace), lambda one: say(actor(one)))
        verbs = sorted(Verb, key=lambda one: _(DOING[one]))
        _choice(_("What was done"), "verb", [one.value for one in verbs], lambda one: _(DOING[Verb(one)]))
        st.text_input(
            _("About"),
            st.query_params.get("subject", ""),
            LONGEST,
            key="audit-subject",
            on_change=_keep,
            args=("subject",),
            placeholder=_("how the name begins"),
            help=_("The name of a prompt, a scorer or an endpoint, or “release 7”: its beginning is enough."),
        )
        _choice(_("How it ended"), "outcome", list(OUTCOME), lambda one: _(OUTCOME[one]))
        _day(_("From day"), "from")
        _day(_("To day"), "to")
        _choice(_("Apps"), "apps", [EVERY_APP], lambda one: _("All apps"), session.escape(workspace.app.name))
        if any(name in st.query_params for name in NAMES):
            st.button(_("Clear filters"), icon=":material/filter_alt_off:", on_click=clear)


def clear() -> None:
    _forget(*NAMES, *PLACES)
    for name in NAMES:
        st.session_state.pop(f"audit-{name}", None)


def choose_unfinished() -> None:
    """What was begun in any app and has not ended."""
    clear()
    st.query_params.update({"apps": EVERY_APP, "outcome": "intent"})


def _choice(label: str, name: str, options: list[str], told: Callable[[str], str], usual: str = "") -> None:
    given = st.query_params.get(name, "")
    st.selectbox(
        label,
        ["", *options],
        options.index(given) + 1 if given in options else 0,
        format_func=lambda one: told(one) if one else usual or _("Any"),
        key=f"audit-{name}",
        on_change=_keep,
        args=(name,),
    )


def _day(label: str, name: str) -> None:
    there = _moment(name)
    st.date_input(
        label, there.date() if there else None, key=f"audit-{name}", on_change=_keep, args=(name,), format="YYYY-MM-DD"
    )


def _keep(name: str) -> None:
    """Take a field's value into the address, from its first page on."""
    _forget(name, *PLACES)
    value = st.session_state[f"audit-{name}"]
    if value:
        st.query_params[name] = value.isoformat() if isinstance(value, date) else str(value).strip()


def _moment(name: str) -> datetime | None:
    """A day begins in the viewer's zone; a whole time, as links carry it, says its own."""
    try:
        read = datetime.fromisoformat(st.query_params.get(name, ""))
    except ValueError:
        return None
    if read.year not in YEARS:
        return None
    return read if read.tzinfo else session.typed(datetime.combine(read.date(), time()))


def _forget(*names: str) -> None:
    for name in names:
        st.query_params.pop(name, None)

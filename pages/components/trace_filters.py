"""Which traces: every filter stands in the address, so that a list can be passed on; the fields only edit it."""

from collections.abc import Callable
from datetime import UTC, datetime

import streamlit as st

from pages.components import agent_titles, saved_views, session
from services import agents, monitoring, readmodel
from services.messages import mark
from services.traces import ORIGINS, TraceQuery
from services.views import Choice
from services.workspace import Workspace

_ = session.text

WINDOWS = {
    1: mark("1 hour"),
    24: mark("24 hours"),
    168: mark("7 days"),
    720: mark("30 days"),
    2160: mark("90 days"),
    (EVER := 87600): mark("All"),
}
STATES = {"OK": mark("answered"), "ERROR": mark("failed"), "IN_PROGRESS": mark("under way")}
OPINIONS = {"1": mark("helped"), "0": mark("did not help")}
ANY = "any"
PLACES = ("before", "after")
FIELDS = ("hours", "origin", "state", "opinion", "agent", "text", "user", "session")
# A view is for everyone and for long: it names no person, no conversation and no past hour.
KEPT = ("hours", "origin", "state", "failed", "passed", "opinion", "agent", "prompt", "text")
LONGEST = 200
HIGHEST = (1 << 63) - 1


def query(limit: int) -> TraceQuery:
    """What the address asks for; what cannot be read in it is left out."""
    given = st.query_params
    since, until = _time("since"), _time("until")
    origin = given.get("origin", "live")
    prompt, _slash, number = given.get("prompt", "").rpartition("/")
    return TraceQuery(
        hours=float(_hours()),
        since=since,
        until=until,
        origin=origin if origin in ORIGINS else None,
        state=given.get("state") if given.get("state") in STATES else None,
        scorer=given.get("failed") or given.get("passed") or None,
        passed="failed" not in given,
        opinion={"1": True, "0": False}.get(given.get("opinion", "")),
        version=given.get("agent") or None,
        prompt=(prompt, int(number)) if prompt and number.isdecimal() and len(number) < 10 else None,
        user=given.get("user") or None,
        session=given.get("session") or None,
        text=given.get("text", "")[:LONGEST] or None,
        limit=limit,
        before=_place("before"),
        after=_place("after"),
    )


def turn(**places: int | None) -> None:
    """Go to another page of the list."""
    _forget(*PLACES)
    for name, place in places.items():
        if place is not None:
            st.query_params[name] = str(place)


def show(workspace: Workspace) -> None:
    """Draw the fields, and what else the address asks for with a way back to everything."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _choice(_("Period"), "hours", [str(one) for one in WINDOWS], lambda one: _(WINDOWS[int(one)]), str(_hours()))
        _choice(_("Origin"), "origin", [*ORIGINS, ANY], _origin, "live")
        _choice(_("Result"), "state", ["", *STATES], lambda one: _(STATES[one]) if one else _("Any"), "")
        _verdict(workspace)
        _choice(_("People said"), "opinion", ["", *OPINIONS], lambda one: _(OPINIONS[one]) if one else _("Any"), "")
        _words(_("Words in question or answer"), "text")
        with st.popover(_("More filters")):
            _version(workspace)
            _words(_("Person"), "user")
            _words(_("Conversation"), "session")
        kept = {name: st.query_params.get_all(name) for name in KEPT if name in st.query_params}
        saved_views.show(workspace, "traces", kept, _open)
    _told(workspace)


def everything() -> None:
    """The list without what the address narrows it to."""
    _forget("agent", "prompt", "since", "until", "user", "session", *PLACES)
    for name in ("agent", "user", "session"):
        st.session_state.pop(f"traces-{name}", None)


def _open(choice: Choice) -> None:
    _forget(*KEPT, "since", "until", "user", "session", *PLACES)
    for name in (*FIELDS, "verdict"):
        st.session_state.pop(f"traces-{name}", None)
    st.query_params.update(choice)


def _choice(label: str, name: str, options: list[str], told: Callable[[str], str], usual: str) -> None:
    given = st.query_params.get(name, usual)
    st.selectbox(
        label,
        options,
        options.index(given) if given in options else 0,
        format_func=told,
        key=f"traces-{name}",
        on_change=_keep,
        args=(name,),
    )


def _words(label: str, name: str) -> None:
    st.text_input(label, st.query_params.get(name, ""), LONGEST, key=f"traces-{name}", on_change=_keep, args=(name,))


def _keep(name: str) -> None:
    """Take a field's value into the address, from its first page on; another time ends the stretch that a chart chose."""
    _forget(name, *PLACES, *(("since", "until") if name == "hours" else ()))
    value = st.session_state[f"traces-{name}"]
    if value:
        st.query_params[name] = str(value).strip()


def _verdict(workspace: Workspace) -> None:
    """One choice of a scorer together with what it said."""
    given = st.query_params
    running = {one.name for one in monitoring.production_scorers(workspace)}
    names = sorted(running | {given[name] for name in ("failed", "passed") if given.get(name)})
    options = [("", ""), *((said, name) for name in names for said in ("failed", "passed"))]
    asked = next(((said, given[said]) for said in ("failed", "passed") if given.get(said)), ("", ""))
    st.selectbox(
        _("Verdict"),
        options,
        options.index(asked),
        format_func=lambda one: _verdict_label(*one),
        key="traces-verdict",
        on_change=_keep_verdict,
    )


def _verdict_label(said: str, name: str) -> str:
    if not name:
        return _("Any")
    return _("{scorer}: passed", scorer=name) if said == "passed" else _("{scorer}: not passed", scorer=name)


def _keep_verdict() -> None:
    _forget("failed", "passed", *PLACES)
    said, name = st.session_state["traces-verdict"]
    if name:
        st.query_params[said] = name


def _version(workspace: Workspace) -> None:
    found = readmodel.versions(workspace).agents
    labels = agent_titles.labels(agents.versions(workspace))
    given = st.query_params.get("agent", "")
    options = ["", *dict.fromkeys([*found, *([given] if given else [])])]
    _choice(_("Agent version"), "agent", options, lambda one: labels.get(one, one) or _("All versions"), "")


def _told(workspace: Workspace) -> None:
    """What the address narrows the list to, in words."""
    said = list(_narrowed(workspace))
    if not said:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(" ".join(said), width="content")
        st.button(_("All traces"), key="everything", on_click=everything)


def _narrowed(workspace: Workspace) -> list[str]:
    asked = query(1)
    said = []
    if asked.version:
        known = agent_titles.labels(agents.versions(workspace))
        agent = session.escape(known.get(asked.version, asked.version))
        said.append(_("Only answers of this agent: {agent}.", agent=agent))
    if asked.prompt:
        name, number = asked.prompt
        said.append(_("Only answers given with {prompt}, version {n}.", prompt=session.escape(name), n=number))
    if asked.since and asked.until:
        said.append(
            _("Only from {since} to {until}.", since=session.moment(asked.since), until=session.moment(asked.until))
        )
    if asked.session:
        said.append(_("Only the conversation {id}.", id=session.escape(asked.session)))
    if asked.user:
        said.append(_("Only questions of {person}.", person=session.escape(asked.user)))
    return said


def _hours() -> int:
    asked = session.number("hours") or 24
    return next((window for window in WINDOWS if window >= asked), max(WINDOWS))


def _time(name: str) -> datetime | None:
    try:
        return datetime.strptime(st.query_params.get(name, ""), "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def _place(name: str) -> int | None:
    value = st.query_params.get(name, "")
    return int(value) if value.isdecimal() and len(value) < 20 and int(value) <= HIGHEST else None


def _forget(*names: str) -> None:
    for name in names:
        st.query_params.pop(name, None)


def _origin(origin: str) -> str:
    return _(ORIGINS[origin]) if origin in ORIGINS else _("All origins")

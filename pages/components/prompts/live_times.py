"""When a version was live, who moved what is live, and what was live at a time that someone asks about."""

from collections.abc import Sequence

import streamlit as st

from pages.components import session
from services.prompts import moves
from services.prompts.moves import Move, Period
from services.workspace import Workspace

FIRST_SHOWN = 20
MOST_TIMES = 3
_, say = session.text, session.say


def show(workspace: Workspace, name: str) -> None:
    """Every move of what is live, newest first, and the question what was live when."""
    found = moves.history(workspace, name)
    if not found:
        return
    if found[0].outside:
        st.warning(
            _(
                "What is live was moved outside the console: {what} ({when}). Look at it; a release puts another "
                "version in its place.",
                what=_what(found[0]),
                when=_when(found[0]),
            ),
            icon=":material/warning:",
        )
        st.caption(session.escape(say(moves.by_whom(workspace))))
    with st.expander(_("What was live when"), icon=":material/history:"):
        _show_question(workspace, name)
        everything = len(found) > FIRST_SHOWN and st.toggle(_("Show all moves ({n})", n=len(found)), key="all-moves")
        for move in found if everything else found[:FIRST_SHOWN]:
            _show_move(move)


def lines(periods: Sequence[Period]) -> list[str]:
    """When one version was live, newest first, a line each."""
    told = [_line(period) for period in periods[:MOST_TIMES]]
    more = len(periods) - MOST_TIMES
    return [*told, _("and {n} earlier times", n=more)] if more > 0 else told


def _show_question(workspace: Workspace, name: str) -> None:
    asked = st.datetime_input(
        _("What was live at this time?"), None, key=f"live-at-{workspace.app.id}-{name}", step=60, width=320
    )
    if asked is None:
        return
    names = [
        _("version {n}", n=one) if one else _("nothing") for one in moves.live_at(workspace, name, session.typed(asked))
    ]
    if len(names) > 1:
        st.warning(
            _(
                "It cannot be told exactly: {versions}. What is live was moved outside the console around then.",
                versions=", ".join(names),
            )
        )
    elif names == [_("nothing")]:
        st.info(_("Nothing was live at that time, as far as the console knows."))
    else:
        st.success(_("Live at that time: {version}.", version=names[0]))


def _show_move(move: Move) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(_when(move), width="content")
        st.markdown(_what(move), width="content")
        if move.outside:
            st.markdown(f":orange-badge[{_('outside the console')}]", width="content")
        if move.actor:
            st.caption(session.escape(move.actor), width="content")
        if move.release:
            st.page_link(
                session.page("releases"),
                label=_("Release {id}", id=move.release),
                icon=":material/train:",
                query_params={"release": str(move.release)},
            )


def _what(move: Move) -> str:
    if move.deleted:
        return _("Version {n} was deleted while it was live; nothing is live any more", n=move.before or "–")
    if move.version is None:
        return _("Version {n} was taken out of production", n=move.before or "–")
    if move.before is None:
        return _("Version {n} went live", n=move.version)
    return _("Version {n} went live in place of version {old}", n=move.version, old=move.before)


def _when(move: Move) -> str:
    """Exactly for a release; for a move made outside, the time in which it must have happened."""
    if not move.outside:
        return session.moment(move.sure_at)
    if move.at is None:
        return _("some time before {time}", time=session.moment(move.sure_at))
    first, last = session.moment(move.at), session.moment(move.sure_at)
    return _("about {time}", time=last) if first == last else _("between {first} and {last}", first=first, last=last)


def _about(move: Move) -> str:
    time = session.moment(move.sure_at)
    return _("about {time}", time=time) if move.outside else time


def _line(period: Period) -> str:
    start, end = period.start, period.end
    values = {"start": _about(start), "end": _about(end) if end else "", "id": start.release or ""}
    if end is None:
        if start.outside:
            return _("Live since {start}, moved outside the console", **values)
        return (
            _("Live since {start}, by release {id}", **values) if start.release else _("Live since {start}", **values)
        )
    if start.release:
        return _("Was live from {start} to {end}, by release {id}", **values)
    return _("Was live from {start} to {end}", **values)

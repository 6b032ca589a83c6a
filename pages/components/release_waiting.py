"""The inbox of releases, and the question what was live at a moment of the past."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import streamlit as st

from pages.components import release_pairs, session
from services.database import now
from services.messages import mark
from services.releases import waiting
from services.releases.waiting import Waiting
from services.workspace import Workspace

_, say = session.text, session.say


def show(found: Sequence[Waiting]) -> None:
    """What waits for this person; nothing when nothing does."""
    if not found:
        return
    st.header(_("Waits for you"), anchor=False)
    for one in found:
        st.page_link(
            session.page("releases"),
            label=_("Release {id}: {what}", id=one.release.id, what=session.escape(say(one.what))),
            icon=":material/inbox:",
            query_params={"release": str(one.release.id)},
        )


def show_then(workspace: Workspace) -> None:
    """A day and an hour in the app's time zone, and the answer."""
    zone = ZoneInfo(workspace.app.time_zone)
    today = now().astimezone(zone)
    with st.expander(_("What was live at a moment of the past?"), icon=":material/history:"):
        day, hour = st.columns(2)
        with day:
            chosen = st.date_input(_("Day"), today.date(), max_value=today.date(), key=f"then-day/{workspace.app.id}")
        with hour:
            time = st.time_input(
                _("Time"), today.time().replace(second=0, microsecond=0), key=f"then/{workspace.app.id}"
            )
        st.caption(_("In the app's time zone: {zone}.", zone=zone.key))
        found = waiting.at(workspace, datetime.combine(chosen, time, zone))
        if found.offline:
            st.warning(_("The endpoint was offline then: everyone got the fixed message."))
        if found.shut is not None:
            st.write(
                _(
                    "Nothing answered then: {person} had shut it down at {time}.",
                    person=session.escape(found.shut.actor),
                    time=session.moment(found.shut.at),
                )
            )
            return
        if found.release is None:
            st.write(_("No release had made anything live yet."))
            return
        then = (
            mark("Behind it stood {pair}, by release {id} of {person}.")
            if found.offline
            else mark("Then {pair} answered, by release {id} of {person}.")
        )
        st.write(
            _(
                then,
                pair=release_pairs.told(found.release.after),
                id=found.release.id,
                person=session.escape(found.release.actor),
            )
        )
        st.caption(_("Moves made outside the console are not in it: the prompt's own page tells those."))

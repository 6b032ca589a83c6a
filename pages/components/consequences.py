"""What a click moves, from what to what, who notices it and how it is undone: told where it is clicked."""

import streamlit as st

from pages.components import session
from services.messages import Message
from services.releases.consequences import Consequences

_, say = session.text, session.say


def show(told: Consequences) -> None:
    """Four short lines above the button."""
    lines: dict[str, Message | str] = {
        _("What changes"): told.changes,
        _("From → to"): f"{say(told.before)} → {say(told.after)}",
        _("Who is affected"): told.affected,
        _("How to undo it"): told.undo,
    }
    drawn = (_("**{name}:** {what}", name=name, what=session.escape(say(line))) for name, line in lines.items())
    st.markdown("  \n".join(drawn))

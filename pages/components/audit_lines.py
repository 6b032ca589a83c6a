"""Lines of the audit log as sentences; what a line changed opens on demand."""

from itertools import groupby

import streamlit as st

from pages.components import session
from pages.components.audit_filters import OUTCOME
from services.audit import Event
from services.audit.differences import Difference, differences
from services.audit.sentences import sentence, step, subject
from services.messages import mark

_, say = session.text, session.say

COLOUR = {"failed": "red", "unknown": "orange", "intent": "orange"}
ENDING = {
    "failed": mark("It did not work. Below stands what was asked for."),
    "unknown": mark("The console ended before this did, so nobody knows how far it came. Look at what it was about."),
    "intent": mark("This is still under way, or the console ended in the middle of it."),
}
MOST_OF_WHY = 120
# Markdown makes a link of every address, also of an escaped one; a joiner without width keeps it text.
UNLINKED = "@\u2060"


def show(lines: tuple[Event, ...], every_app: bool) -> None:
    """The lines under their days, newest first."""
    for day, found in groupby(lines, key=lambda one: session.moment(one.at)[:10]):
        st.markdown(f"**{day}**")
        with st.container(gap="xsmall"):
            for line in found:
                _show(line, every_app)


def plain(line: Event) -> str:
    """The sentence with from and to, as markdown."""
    told = session.escape(say(sentence(line)).replace("@", UNLINKED))
    moved = step(line)
    if moved is None or line.outcome != "done":
        return told
    before, after = ("–" if one is None else str(one) for one in moved)
    said = after if moved[0] is None else f"{before} → {after}"
    return f"{told} **{session.escape(said)}**"


def _show(line: Event, every_app: bool) -> None:
    badge = f" :{COLOUR[line.outcome]}-badge[{_(OUTCOME[line.outcome])}]" if line.outcome in COLOUR else ""
    app = f" :gray-badge[{session.escape(line.app_id)}]" if every_app and line.app_id else ""
    why = " ".join(say(subject(line.why)).split())
    why = f" :gray[“{session.escape(why[:MOST_OF_WHY])}”]" if why else ""
    with st.expander(f":gray[{session.moment(line.at)[11:16]}] {plain(line)}{badge}{app}{why}"):
        st.markdown(_details(line))


def _details(line: Event) -> str:
    parts = [_(ENDING[line.outcome])] if line.outcome in ENDING else []
    changed = differences(line)
    if changed:
        head = f"| {_('What changed')} | {_('Before')} | {_('After')} |\n| --- | --- | --- |\n"
        parts.append(head + "\n".join(map(_row, changed)))
    elif line.outcome == "done":
        parts.append(_("No values were recorded for this."))
    if len(line.why) > MOST_OF_WHY:
        parts.append(_cell(line.why))
    number = _("Line {n} of the audit log · hash {hash}", n=line.id, hash=f"{line.hash[:16]}…")
    return "\n\n".join([*parts, f":gray[:small[{session.escape(number)}]]"])


def _row(one: Difference) -> str:
    path = " › ".join(_cell(say(part)) for part in one.path)
    return f"| {path} | {_cell(say(one.before))} | {_cell(say(one.after))} |"


def _cell(text: str) -> str:
    return session.escape(" ".join(text.split()))

"""What the same version asked twice differs by, under a verdict; or the way to measure it."""

import streamlit as st

from pages.components import feedback, session
from pages.components.evaluations import titles
from services import audit
from services.audit import Verb
from services.evaluations import Evaluation, noise
from services.evaluations.noise import Floor
from services.messages import Message
from services.workspace import Workspace

_ = session.text


def show(workspace: Workspace, sides: tuple[Evaluation, Evaluation], floor: Floor, on_paper: bool) -> None:
    """`sides` holds the new evaluation first, then the old one."""
    if floor.pairs:
        for one, twin in floor.pairs:
            st.caption(
                _(
                    "Noise floor: {one} and {other} asked the same version the same questions. What they differ by is noise, and no smaller change gets a word.",
                    one=session.escape(titles.title(one)),
                    other=session.escape(titles.title(twin)),
                )
            )
        return
    again = next((one for one in reversed(sides) if noise.can_measure(one)), None)
    told = _("The noise floor is not known: neither side was evaluated twice, so the verdict rests on the tests alone.")
    if again is None or on_paper:
        st.caption(told)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(told)
        st.button(
            _("Evaluate the same again"),
            key="measure-noise",
            icon=":material/repeat:",
            help=_("Asks {name} once more. The difference of the two is the noise floor.", name=titles.title(again)),
            on_click=_measure,
            args=(workspace, again),
            disabled=not audit.allowed(workspace, Verb.EVALUATE),
        )


def _measure(workspace: Workspace, made: Evaluation) -> None:
    with feedback.action(
        Message("The same is being evaluated again. When it is done, this comparison knows the noise floor.")
    ):
        noise.measure(workspace, made)

"""What was moved past the console: what is live now, what the last release had left, and the two ways on."""

import streamlit as st

from pages.components import consequences, feedback, release_pairs, session
from services import audit, releases
from services.audit import Verb
from services.messages import Message
from services.prompts import moves
from services.releases import Live, Release, noticing
from services.workspace import Workspace

_, say = session.text, session.say


def show(workspace: Workspace, live: Live, last: Release) -> None:
    """A warning with the reason field and the buttons; the releases they start open at once."""
    with st.container(border=True):
        st.warning(
            _(
                "Somebody moved what is live outside the console. Release {id} left {before}; now {after} answers. "
                "Nobody checked or proved that.",
                id=last.id,
                before=release_pairs.told(last.after),
                after=release_pairs.told(live.pair),
            ),
            icon=":material/warning:",
        )
        line = noticing.noticed(workspace, live)
        if line is not None:
            st.caption(_("Noticed {time}; the worker looks every minute.", time=session.moment(line.at)))
        st.caption(session.escape(say(moves.by_whom(workspace))))
        st.markdown(f"**{_('If it is put back')}**")
        consequences.show(releases.consequences.of_put_back(workspace, live, last))
        st.caption(
            _(
                "Adopting it moves nothing: what answers now becomes a release of its own, which no interlock has checked, "
                "and the proof that it answers is looked for."
            )
        )
        st.text_input(_("Reason"), key=_key(workspace), placeholder=_("Who moved it, and why is it right or wrong?"))
        with st.container(horizontal=True):
            st.button(
                _("Put back what release {id} left", id=last.id),
                type="primary",
                key="put-back",
                on_click=_put_back,
                args=(workspace,),
                disabled=not audit.allowed(workspace, Verb.ROLL_BACK),
            )
            st.button(
                _("Adopt it and look for its proof"),
                key="adopt-move",
                on_click=_adopt,
                args=(workspace,),
                disabled=live.pair.model_id is None or not audit.allowed(workspace, Verb.ADOPT_MOVE),
            )


def _put_back(workspace: Workspace) -> None:
    with feedback.action(Message("It is put back.")):
        _open(releases.put_back(workspace, _reason(workspace)))


def _adopt(workspace: Workspace) -> None:
    with feedback.action(Message("It is adopted; the proof is looked for.")):
        _open(releases.adopt(workspace, _reason(workspace)))


def _open(release: Release) -> None:
    st.query_params["release"] = str(release.id)


def _reason(workspace: Workspace) -> str:
    return str(st.session_state.get(_key(workspace), ""))


def _key(workspace: Workspace) -> str:
    return f"moved-outside/{workspace.app.endpoint}"

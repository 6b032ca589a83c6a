"""One's own question to the version before and the one after, with what differs in their answers."""

import streamlit as st

from pages.components import choices, diff, feedback, session
from services import audit
from services.audit import Verb
from services.messages import Message
from services.prompts import Content
from services.prompts.comparison import compare
from services.releases import Release, beside, get
from services.releases.beside import Reply
from services.workspace import Workspace

_, say = session.text, session.say


def show(workspace: Workspace, release: Release) -> None:
    """Nothing where there are not two agent versions."""
    if release.before.agent_version in (None, release.after.agent_version) or release.after.agent_version is None:
        return
    folded = st.expander(
        _("Ask both versions"), icon=":material/compare_arrows:", key=f"beside-{release.id}", on_change="rerun"
    )
    if not folded.open:
        return
    with folded:
        if beside.versions(workspace, release) is None:
            st.write(
                _(
                    "Both answer here while they stand ready at the endpoint: from the smoke test on, and as long as the "
                    "version before is kept as the way back."
                )
            )
            return
        _show_form(workspace, release)
        replies = st.session_state.get(_key(release.id))
        if replies:
            _show(*replies)


def _show_form(workspace: Workspace, release: Release) -> None:
    with st.form(f"beside-form-{release.id}", border=False):
        st.text_area(
            _("Your question"),
            choices.question(workspace.app.smoke_questions, session.language()),
            max_chars=beside.LONGEST,
            key=f"beside-question-{release.id}",
            height=80,
            help=_(
                "Each version is asked at its own address. The answers are marked as tries and count as no live traffic."
            ),
        )
        st.form_submit_button(
            _("Ask both"),
            icon=":material/send:",
            on_click=_ask,
            args=(workspace, release.id),
            disabled=not audit.allowed(workspace, Verb.TRY_AGENT),
        )


def _ask(workspace: Workspace, id: int) -> None:
    with feedback.action(Message("Both versions were asked.")):
        question = st.session_state[f"beside-question-{id}"]
        st.session_state[_key(id)] = beside.ask(workspace, get(workspace, id), question)


def _show(old: Reply, new: Reply) -> None:
    names = (
        _("Before: agent version {n}", n=old.version),
        _("After: agent version {n}", n=new.version),
    )
    found = compare(Content(old.text), Content(new.text))
    st.html(diff.markup(found, names, beside=True, changes_only=False))
    if old.text == new.text and not (old.error or new.error):
        st.caption(_("Both answered with the same words."))
    for column, one in zip(st.columns(2, gap="large"), (old, new), strict=True):
        with column:
            _show_facts(one)


def _show_facts(one: Reply) -> None:
    if one.error is not None:
        st.error(session.escape(_("Not answered: {reason}", reason=say(one.error))))
        return
    st.caption(session.seconds(one.seconds))
    if one.trace_id:
        st.page_link(
            session.page("traces"),
            label=_("Open the trace"),
            icon=":material/account_tree:",
            query_params={"trace": one.trace_id},
        )


def _key(id: int) -> str:
    return f"beside-replies-{id}"

"""What a person who writes should know of others: their drafts, their versions, and my own other tab."""

import streamlit as st

from pages.components import feedback, session
from pages.components.prompts import sheets
from pages.components.prompts.sheets import Sheet
from services.messages import Message
from services.prompts import Content, PromptVersion, drafts
from services.prompts.drafts import Writer
from services.workspace import Workspace

SECONDS = 8.0
LONGEST_SHOWN = 600
_ = session.text


def show(workspace: Workspace, sheet: Sheet, found: list[PromptVersion]) -> None:
    """Everything that concerns who wrote what, above the editor."""
    if sheet.taken and sheet.rival is None:
        sheet.taken = False
        st.toast(_("Another tab changed this draft; its words stand here now."), icon=":material/sync:")
    if sheet.refusal is not None:
        feedback.show_error(sheet.refusal)
    if sheet.unsaved is not None:
        feedback.show_error(sheet.unsaved)
    if sheet.rival is not None:
        _show_rival(workspace, sheet, sheet.rival)
    if found:
        _show_overtaken(workspace, found)
        _show_newer(sheet, found)
    mine = drafts.mine(workspace, sheet.draft.name)
    _watch(workspace, sheet.draft.name, mine.revision if mine else 0, _writers(workspace, sheet.draft.name))
    _show_draft(workspace, sheet)


@st.fragment(run_every=SECONDS)
def _watch(workspace: Workspace, name: str, revision: int, writers: list[Writer]) -> None:
    """Who else is writing; when that changes, or another tab kept more, the page is drawn anew."""
    now, mine = _writers(workspace, name), drafts.mine(workspace, name)
    known, there = {one.actor for one in writers}, {one.actor for one in now}
    if known != there or (mine.revision if mine else 0) != revision:
        st.rerun()
    for one in now:
        st.info(
            _(
                "{person} is writing on this prompt too: begun {since}, last change {time}.",
                person=session.escape(one.actor),
                since=session.moment(one.since),
                time=session.moment(one.updated_at),
            ),
            icon=":material/group:",
        )


def _writers(workspace: Workspace, name: str) -> list[Writer]:
    """A prompt that has no name yet is nobody else's."""
    return drafts.others(workspace, name) if name else []


def _show_draft(workspace: Workspace, sheet: Sheet) -> None:
    """Always one line, so that nothing moves under the hands at the first key."""
    kept, base = sheet.draft.kept or sheet.rival is not None, sheet.draft.base
    said = f":blue-badge[{_('Unsaved draft')}]" if kept else f":gray-badge[{_('No unsaved words')}]"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(said + (" " + _("written from version {n}", n=base) if base and kept else ""), width="stretch")
        if sheet.draft.set_aside:
            _show_aside(workspace, sheet)
        discard = st.popover(
            _("Discard draft"),
            type="tertiary",
            icon=":material/delete:",
            key=f"{sheet.key}/discarding-{sheet.turn}",
            disabled=not sheet.draft.kept or sheet.rival is not None,
        )
    with discard:
        st.write(_("The words of this draft are gone then; the saved versions stay."))
        st.button(_("Discard it"), key="discard-draft", on_click=_discard, args=(workspace, sheet.draft.name))


def _show_aside(workspace: Workspace, sheet: Sheet) -> None:
    with st.popover(
        _("Earlier words"), type="tertiary", icon=":material/history:", key=f"{sheet.key}/aside-{sheet.turn}"
    ):
        st.write(_("These words stood in this draft before. Nothing is lost: the two can be exchanged."))
        for place, aside in enumerate(sheet.draft.set_aside):
            st.caption(_("Set aside {time}", time=session.moment(aside.at)))
            st.code(_beginning(aside.content), language=None, wrap_lines=True)
            with st.container(horizontal=True):
                given = (workspace, sheet.draft.name, aside.content)
                st.button(_("Exchange them"), key=f"exchange-draft-{place}", on_click=_exchange, args=given)
                st.button(
                    _("Drop these words"), type="tertiary", key=f"drop-aside-{place}", on_click=_drop_aside, args=given
                )


def _show_rival(workspace: Workspace, sheet: Sheet, rival: drafts.Draft) -> None:
    with st.container(border=True, key=f"{sheet.key}/rival"):
        st.warning(
            _(
                "This draft was also written elsewhere, in another tab or before a connection was lost, and kept {time}. "
                "Which words go on? The others are set aside, not lost.",
                time=session.moment(rival.updated_at) if rival.updated_at else "–",
            ),
            icon=":material/content_copy:",
        )
        st.code(_beginning(rival.content), language=None, wrap_lines=True)
        with st.container(horizontal=True):
            name = sheet.draft.name
            st.button(_("Take these words"), key="take-other", on_click=_take, args=(workspace, name))
            st.button(_("Keep mine"), key="keep-mine", on_click=_keep_mine, args=(workspace, name))


def _show_overtaken(workspace: Workspace, found: list[PromptVersion]) -> None:
    """Two people saved from the same base: both versions are there, and neither holds the other's change."""
    newest = found[0]
    other = next((one for one in found if one.version in newest.overtook), None)
    if other is None:
        return
    me = workspace.actor.id
    values = {"n": newest.version, "m": other.version, "base": newest.base or 0}
    if newest.author == me:
        text = _(
            "While you were writing, {author} saved version {m}, also from version {base}. "
            "Your version {n} does not hold that change.",
            author=session.escape(other.author or "–"),
            **values,
        )
    elif other.author == me:
        text = _(
            "{author} saved version {n} from version {base}, as you did with version {m}. "
            "It does not hold your change.",
            author=session.escape(newest.author or "–"),
            **values,
        )
    else:
        text = _("Version {n} was written from version {base} and does not hold what version {m} changed.", **values)
    st.warning(text, icon=":material/call_split:")
    asked = {
        "prompt": newest.name,
        "view": "compare",
        "version": str(newest.version),
        "against": str(other.version),
    }
    # No link: one to the screen that is open already leaves the address as it was.
    st.button(
        _("Compare version {n} with version {m}", n=newest.version, m=other.version),
        key="compare-saved-beside",
        icon=":material/compare_arrows:",
        on_click=lambda: st.query_params.from_dict(asked),
    )


def _show_newer(sheet: Sheet, found: list[PromptVersion]) -> None:
    base = sheet.draft.base
    if sheet.written and base is not None and base < found[0].version:
        st.warning(
            _(
                "{author} saved version {n} while you were writing; your draft starts from version {base}.",
                author=session.escape(found[0].author or "–"),
                n=found[0].version,
                base=base,
            )
        )


def _discard(workspace: Workspace, name: str) -> None:
    with feedback.action(Message("The draft is discarded.")):
        sheets.discard(workspace, sheets.caught_up(workspace, name or None))


def _take(workspace: Workspace, name: str) -> None:
    with feedback.action(Message("The other words stand here now; yours are set aside.")):
        sheets.take(workspace, sheets.caught_up(workspace, name or None))


def _keep_mine(workspace: Workspace, name: str) -> None:
    with feedback.action(Message("Your words go on; the others are set aside.")):
        sheets.keep_own(workspace, sheets.caught_up(workspace, name or None))


def _exchange(workspace: Workspace, name: str, aside: Content) -> None:
    with feedback.action(Message("The earlier words stand here again.")):
        sheets.take(workspace, sheets.caught_up(workspace, name or None), aside)


def _drop_aside(workspace: Workspace, name: str, aside: Content) -> None:
    with feedback.action(Message("Dropped. The draft is as it was.")):
        sheets.drop_aside(workspace, sheets.caught_up(workspace, name or None), aside)


def _beginning(content: Content) -> str:
    text = content.text
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + " …"

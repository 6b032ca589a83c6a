"""What one version changes in another, and what that would mean for the people who use what is live."""

from dataclasses import dataclass

import streamlit as st

from pages.components import diff, session
from pages.components.prompts import titles
from services import production
from services.interlocks import Light
from services.messages import Message
from services.prompts import Content, PromptVersion, audience, drafts
from services.prompts.impact import impact
from services.workspace import Workspace

DRAFT = 0
_ = session.text


@dataclass(frozen=True)
class Side:
    """What stands on one side: a version, or, with DRAFT as its number, what the person has not saved yet."""

    number: int
    title: str
    content: Content
    note: str
    live: bool = False


# Another pair, or another way to draw it, reruns only this part: versions never change, and what is live is asked anew
# when the difference is drawn already, which waits for nobody; only when it has moved is everything drawn again.
@st.fragment
def show(workspace: Workspace, name: str, found: list[PromptVersion]) -> None:
    """Two versions from the address, or the newest against the live or the previous one."""
    draft = drafts.mine(workspace, name)
    sides = {one.version: _side(one) for one in found}
    for asked in (session.number("version"), session.number("against")):
        if asked is not None and asked not in sides:
            st.warning(_("There is no version {n} of this prompt. Choose one from the list.", n=asked))
    if draft is not None:
        sides[DRAFT] = Side(DRAFT, _("your draft"), draft.content, draft.note)
    elif "draft" in st.query_params:
        st.warning(_("You have no draft of this prompt."))
    if not found or len(sides) < 2:
        st.info(_("As soon as there are two versions, they are compared here."))
        return
    old, new = _choose(sides, draft.base if draft else None)
    live = next((one for one in sides.values() if one.live), None)
    meaning = st.container()
    diff.show(old.content, new.content, (old.title, new.title), (old.note, new.note))
    with st.container(horizontal=True):
        st.page_link(
            session.page("prompts"),
            label=_("Link to this comparison"),
            icon=":material/link:",
            query_params={"prompt": name, "view": "compare"} | _address(new.number, old.number),
        )
        versions = ",".join(str(one.number) for one in (old, new) if one.number != DRAFT)
        st.page_link(
            session.page("playground"),
            label=_("Try both in the playground"),
            icon=":material/science:",
            query_params={"prompt": name, "versions": versions} | ({"draft": "1"} if new.number == DRAFT else {}),
        )
    if production.alias(workspace, name) != (live.number if live else None):
        st.rerun()
    with meaning:
        _show_meaning(workspace, name, live if live and not new.live else old, new)


def show_impact(workspace: Workspace, name: str, old: Content, new: Content) -> None:
    """What would follow if `new` took the place of `old`, and who would notice; also for a text not saved yet."""
    reading = audience.of(workspace, name)
    found = impact(old, new, reading)
    for light, draw in ((Light.RED, st.error), (Light.AMBER, st.warning), (Light.GREEN, st.caption)):
        told = [_plain(one.message) for one in found if one.light is light]
        if told:
            draw("  \n".join(told))
    st.caption(session.joined(*map(_plain, reading.sentences)))


def _side(version: PromptVersion) -> Side:
    return Side(version.version, titles.label(version), version.content, version.note, version.live)


def _show_meaning(workspace: Workspace, name: str, old: Side, new: Side) -> None:
    told = (
        _("If {new} replaced {old}", new=_short(new), old=_short(old))
        if old.live
        else _("What changes for people from {old} to {new}", new=_short(new), old=_short(old))
    )
    st.header(session.escape(told), anchor=False)
    show_impact(workspace, name, old.content, new.content)


def _choose(sides: dict[int, Side], base: int | None) -> tuple[Side, Side]:
    """The two sides that the address names; without a name, what is live is the old one, of a draft its base."""
    numbers = sorted(sides, reverse=True)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        left, middle, right = st.container(), st.container(width="content"), st.container()
    wanted = DRAFT if "draft" in st.query_params else session.number("version")
    with right:
        offered = sorted(numbers, key=lambda number: number != DRAFT)
        new = _pick("version", wanted, numbers[0], [sides[one] for one in offered])
    first = [base] if new == DRAFT else [number for number in numbers if sides[number].live]
    earlier = [number for number in numbers if number < new]
    others = [one for one in dict.fromkeys([*first, *earlier, *numbers]) if one in sides and one not in (new, DRAFT)]
    with left:
        old = _pick("against", session.number("against"), others[0], [sides[one] for one in others])
    with middle:
        st.button(
            _("Swap"),
            help=_("Swap the two sides"),
            icon=":material/swap_horiz:",
            key="compare-swap",
            disabled=new == DRAFT,
            on_click=lambda: _go(old, new),
        )
    return sides[old], sides[new]


def _pick(param: str, asked: int | None, default: int, offered: list[Side]) -> int:
    key, options = f"compare-{param}", {side.number: side.title for side in offered}
    st.session_state[key] = asked if asked in options else default
    return st.selectbox(
        _("Version") if param == "version" else _("Compared with"),
        list(options),
        format_func=options.__getitem__,
        key=key,
        on_change=lambda: _go(st.session_state["compare-version"], st.session_state["compare-against"]),
    )


def _go(new: int, old: int) -> None:
    """Let the address name both sides, so that it can be shared as it is."""
    for param in ("version", "draft"):
        st.query_params.pop(param, None)
    st.query_params.update(_address(new, old))


def _address(new: int, old: int) -> dict[str, str]:
    named = {"draft": "1"} if new == DRAFT else {"version": str(new)}
    return named | {"against": str(old)}


def _short(side: Side) -> str:
    if side.number == DRAFT:
        return side.title
    return _("version {n} (live)", n=side.number) if side.live else _("version {n}", n=side.number)


def _plain(message: Message) -> str:
    return session.escape(session.say(message))

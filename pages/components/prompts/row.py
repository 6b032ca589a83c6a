"""One prompt in the list: its name, what is live, what it is about, and the words that were sought."""

import streamlit as st

from pages.components import session
from pages.components.prompts import labels, opening, titles
from services.prompts.library import Row

LONGEST_TITLE = 120
MOST_LABELS = 6
_ = session.text


def show(row: Row) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            f"**{session.escape(row.name)}**",
            key=f"open-{row.name}",
            on_click=opening.open_prompt,
            args=(row.name,),
            type="tertiary",
        )
        st.markdown(" ".join(_badges(row)), width="stretch")
        st.caption(" · ".join(_facts(row)), width="content")
    about = [session.escape(titles.short(row.title, LONGEST_TITLE)), *_labels(row)]
    if any(about):
        st.markdown(" ".join(filter(None, about)))
    if row.excerpt:
        st.markdown(_excerpt(row))


def _badges(row: Row) -> list[str]:
    live = f":green-badge[{_('version {n} is live', n=row.live)}]" if row.live else f":gray-badge[{_('not live')}]"
    draft = f":orange-badge[:material/edit: {_('your draft')}]" if row.draft else ""
    archived = f":gray-badge[:material/inventory_2: {_('archived')}]" if row.archived else ""
    return [badge for badge in (live, draft, archived) if badge]


def _facts(row: Row) -> list[str]:
    if row.newest is None or row.written_at is None:
        return [_("no version to show")]
    written = [_("version {n}", n=row.newest), session.escape(row.author or "–"), session.moment(row.written_at)]
    return written + ([_("comments: {n}", n=row.comments)] if row.comments else [])


def _labels(row: Row) -> list[str]:
    shown = [f":gray-badge[{session.escape(labels.told(key, value))}]" for key, value in row.labels.items()]
    return shown[:MOST_LABELS] + (["…"] if len(shown) > MOST_LABELS else [])


def _excerpt(row: Row) -> str:
    """The words around the hit, and which version says them when it is not the newest."""
    assert row.excerpt is not None
    words = "".join(_part(text, sought) for text, sought in row.excerpt.parts)
    if row.excerpt.version == row.newest:
        return words
    return f":gray-badge[{_('in version {n}', n=row.excerpt.version)}] {words}"


def _part(text: str, sought: bool) -> str:
    said = session.escape(text)
    return f":blue-background[**{said}**]" if sought else said

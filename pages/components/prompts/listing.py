"""All prompts of the app: find one by what it says, who wrote it or how it is labelled, and open it."""

from datetime import UTC, datetime

import streamlit as st

from pages.components import feedback, session
from pages.components.prompts import exporting, labels, manage, opening
from services import audit
from services.audit import Verb
from services.messages import Message, mark
from services.prompts import drafts, library
from services.prompts.library import Look, Order, Page, Query, Row
from services.workspace import Workspace

LONGEST_TITLE = 120
MOST_LABELS = 6
FILTERS = ("q", "author", "label", "sort", "archived", "page")
ORDERS = {Order.NEWEST: mark("Newest first"), Order.NAME: mark("By name")}
_ = session.text


def show(workspace: Workspace, look: Look) -> None:
    _show_actions(workspace)
    query = asked()
    _show_filters(workspace, query)
    found = library.find(workspace, query, look)
    if not found.rows:
        _show_nothing(query)
    else:
        _show_count(found)
    for row in found.rows:
        with st.container(border=True, gap="xxsmall"):
            _show_row(row)
    if found.pages > 1:
        _show_pages(workspace, found)
    _show_age(workspace, found)


def asked() -> Query:
    """What the address asks for; what makes no sense there asks for nothing."""
    params = st.query_params
    key, colon, value = params.get("label", "").partition(":")
    return Query(
        text=params.get("q", ""),
        author=params.get("author", ""),
        label=(key, value) if colon else None,
        archived=params.get("archived") == "1",
        order=Order.NAME if params.get("sort") == Order.NAME else Order.NEWEST,
        page=session.number("page") or 1,
    )


def show_import(workspace: Workspace) -> None:
    """The way to prompts that stand somewhere else."""
    st.button(
        _("Import"),
        icon=":material/download:",
        key="import",
        on_click=opening.open_import,
        disabled=not audit.allowed(workspace, Verb.SAVE_PROMPT),
    )


def _show_actions(workspace: Workspace) -> None:
    may_write = audit.allowed(workspace, Verb.SAVE_PROMPT)
    with st.container(horizontal=True):
        st.button(
            _("New prompt"),
            icon=":material/add:",
            key="new-prompt",
            type="primary",
            on_click=opening.open_new,
            disabled=not may_write,
        )
        show_import(workspace)
        exporting.button(workspace)
        manage.show_hidden(workspace)
    if may_write and drafts.mine(workspace, "") is not None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(_("You have begun a new prompt and not saved it."), width="content")
            st.button(_("Go on writing"), key="go-on", type="tertiary", on_click=opening.open_new)


def _show_filters(workspace: Workspace, query: Query) -> None:
    offered = library.choices(workspace, query.archived)
    found = [f"{key}:{value}" for key, value in offered.labels]
    st.text_input(
        _("Search"),
        key=_field(workspace, "q", query.text),
        icon=":material/search:",
        placeholder=_("Name, title, text, label, author"),
        help=_("All words must occur, in any version. Capitals do not matter."),
        max_chars=200,
        on_change=_narrow,
        args=(workspace, "q"),
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _choose(workspace, "author", _("Written by"), list(offered.authors), query.author)
        _choose(workspace, "label", _("Label"), found, st.query_params.get("label", ""))
        st.selectbox(
            _("Order"),
            [order.value for order in Order],
            format_func=lambda order: _(ORDERS[Order(order)]),
            key=_field(workspace, "sort", query.order.value),
            on_change=_narrow,
            args=(workspace, "sort"),
            width=160,
        )
        st.toggle(
            _("Archived too"),
            key=_field(workspace, "archived", query.archived),
            on_change=_narrow,
            args=(workspace, "archived"),
        )


def _choose(workspace: Workspace, name: str, title: str, offered: list[str], chosen: str) -> None:
    """A filter that is there when there is something to choose; what the address names stays, even if nobody has it."""
    options = sorted({*offered, chosen} - {""})
    if len(options) < 2 and not chosen:
        return
    st.selectbox(
        title,
        options,
        format_func=_label if name == "label" else str,
        index=None,
        placeholder=_("Any"),
        key=_field(workspace, name, chosen or None),
        on_change=_narrow,
        args=(workspace, name),
        width=200,
    )


def _field(workspace: Workspace, name: str, value: object) -> str:
    """The key of a field that shows what the address says."""
    key = f"prompts-{name}-{workspace.app.id}"
    st.session_state[key] = value
    return key


def _narrow(workspace: Workspace, name: str) -> None:
    """Let the address say what was chosen, from the first page on."""
    value = st.session_state[f"prompts-{name}-{workspace.app.id}"]
    st.query_params.pop("page", None)
    st.query_params.pop(name, None)
    if value and value != Order.NEWEST:
        st.query_params[name] = "1" if value is True else str(value).strip()


def _show_all() -> None:
    for name in FILTERS:
        st.query_params.pop(name, None)


def _show_nothing(query: Query) -> None:
    if not query.narrows:
        st.info(_("There is no prompt here. Write one, or import what you have elsewhere."))
        return
    st.info(
        _("Nothing was found. Try fewer or other words.")
        if query.archived
        else _("Nothing was found. Try fewer or other words, or look among the archived prompts too.")
    )
    st.button(_("Show all prompts"), key="show-all", on_click=_show_all)


def _show_count(found: Page) -> None:
    st.caption(_("{n} prompts", n=found.total) if found.total != 1 else _("1 prompt"))


def _show_row(row: Row) -> None:
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
    about = [session.escape(_short(row.title)), *_labels(row)]
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
    shown = [f":gray-badge[{session.escape(_label(f'{key}:{value}'))}]" for key, value in row.labels.items()]
    return shown[:MOST_LABELS] + (["…"] if len(shown) > MOST_LABELS else [])


def _label(stored: str) -> str:
    key, _colon, value = stored.partition(":")
    return f"{labels.name(key)}: {_short(value, labels.LONGEST_SHOWN)}"


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


def _show_pages(workspace: Workspace, found: Page) -> None:
    key = f"prompts-page-{workspace.app.id}-{found.number}"
    st.pagination(
        found.pages,
        default=found.number,
        key=key,
        on_change=lambda: st.query_params.update({"page": str(st.session_state[key])}),
    )


def _show_age(workspace: Workspace, found: Page) -> None:
    """How old what is shown may be; said only when it is not from this moment."""
    seconds = int((datetime.now(UTC) - found.as_of).total_seconds())
    if found.unread:
        st.caption(_("Older versions are not searched yet in {n} prompts; that takes a minute.", n=found.unread))
    if seconds < 2:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            _(
                "New versions are shown at once, whoever made them. Other changes made outside Signalbox, such as labels "
                "of older versions, were last read {n} seconds ago.",
                n=seconds,
            ),
            width="content",
        )
        st.button(
            _("Read now"), key="read-now", type="tertiary", icon=":material/refresh:", on_click=_read, args=(workspace,)
        )


def _read(workspace: Workspace) -> None:
    with feedback.action(Message("Everything was read again.")):
        library.refresh_all(workspace)


def _short(text: str, longest: int = LONGEST_TITLE) -> str:
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"

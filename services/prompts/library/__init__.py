"""All prompts of an app: listed, filtered and searched, fast however many versions there are.

What is listed comes from an index (see `index`), the rows of the page that is shown are compared with the registry. New
versions, whoever made them, are there at once; what else was changed elsewhere is known as of `Page.as_of`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Table, and_, exists, false, func, or_, select

from services.database import comment, holds, prompt_entry, prompt_label, prompt_words
from services.prompts import drafts
from services.prompts.library import index, stored, words
from services.prompts.library.index import Look, read_on, refresh_all
from services.prompts.library.stored import pointers
from services.prompts.library.words import Excerpt

if TYPE_CHECKING:
    from services.workspace import Workspace

__all__ = [
    "PAGE",
    "Choices",
    "Excerpt",
    "Look",
    "Order",
    "Page",
    "Query",
    "Row",
    "choices",
    "find",
    "names",
    "pointers",
    "read_on",
    "rebuild",
    "refresh",
    "refresh_all",
]

PAGE = 20


class Order(StrEnum):
    """How the list is sorted."""

    NEWEST = "newest"
    NAME = "name"


@dataclass(frozen=True)
class Query:
    """What is looked for; `label` is (name, value) of the newest version, `author` wrote the newest version."""

    text: str = ""
    author: str = ""
    label: tuple[str, str] | None = None
    archived: bool = False
    order: Order = Order.NEWEST
    page: int = 1

    @property
    def narrows(self) -> bool:
        return bool(words.asked(self.text) or self.author or self.label)


@dataclass(frozen=True)
class Row:
    """One prompt; title, author, time and labels are those of its newest version, None without one to show."""

    name: str
    newest: int | None
    title: str
    author: str
    written_at: datetime | None
    live: int | None
    archived: bool
    labels: Mapping[str, str] = field(default_factory=dict)
    comments: int = 0
    draft: bool = False
    excerpt: Excerpt | None = None


@dataclass(frozen=True)
class Page:
    """One page of the list. `unread`: prompts whose older versions a search does not reach yet."""

    rows: tuple[Row, ...]
    total: int
    number: int
    pages: int
    as_of: datetime
    unread: int


@dataclass(frozen=True)
class Choices:
    """What the list can be narrowed to."""

    authors: tuple[str, ...]
    labels: tuple[tuple[str, str], ...]


def refresh(workspace: "Workspace", query: Query | None = None) -> Look:
    """Take in what changed in the registry; with the query that is shown next, in one call where that is possible."""
    return index.refresh(workspace, listed=query is not None and _shows_newest(workspace, query))


def find(workspace: "Workspace", query: Query, look: Look | None = None) -> Page:
    """The prompts that the query asks for, never those in the trash; a page beyond the last one is the last one.

    `look`: the caller's own of a moment ago, so that one screen looks once.
    """
    look = look or refresh(workspace, query)
    found = _page(workspace, query, look.as_of)
    doubtful = {row.name for row in found.rows} - look.sure
    if doubtful and index.look_again(workspace, doubtful):
        return _page(workspace, query, look.as_of)
    return found


def choices(workspace: "Workspace", archived: bool = False) -> Choices:
    """The authors and labels of the newest versions, as the last look saw them."""
    shown = _shown(workspace, archived)
    authors = select(prompt_entry.c.author).where(shown, prompt_entry.c.author != "").distinct()
    labels = select(prompt_label.c.key, prompt_label.c.value).distinct().join(prompt_entry, _same(prompt_label))
    with workspace.engine.connect() as connection:
        names = sorted(connection.execute(authors).scalars())
        found = sorted((row.key, row.value) for row in connection.execute(labels.where(shown)))
    return Choices(tuple(names), tuple(found))


def names(workspace: "Workspace", look: Look | None = None) -> list[str]:
    """The app's prompts that are neither archived nor in the trash, by name."""
    look or refresh(workspace)
    with workspace.engine.connect() as connection:
        return sorted(connection.execute(select(prompt_entry.c.name).where(_shown(workspace, False))).scalars())


def rebuild(workspace: "Workspace") -> None:
    """Throw the index of the app away and read everything anew."""
    stored.forget(workspace)
    index.refresh_all(workspace)
    index.read_on(workspace)


def _page(workspace: "Workspace", query: Query, as_of: datetime) -> Page:
    wanted, sought = _wanted(workspace, query), words.asked(query.text)
    mine = prompt_entry.c.app_id == workspace.app.id
    with workspace.engine.connect() as connection:
        unread = select(func.count()).select_from(prompt_entry).where(mine, prompt_entry.c.read_at.is_(None))
        left = connection.execute(unread).scalar_one()
        # The search itself is done once: its hits are few bytes, and the texts are many.
        hits = connection.execute(select(prompt_entry.c.name).where(wanted).order_by(*_order(query))).scalars().all()
        pages = max(-(-len(hits) // PAGE), 1)
        number = min(max(query.page, 1), pages)
        names = list(hits[(number - 1) * PAGE : number * PAGE])
        shown = select(prompt_entry).where(mine, prompt_entry.c.name.in_(names))
        entries = sorted(connection.execute(shown), key=lambda one: names.index(one.name))
        labels = _labels(connection, workspace, names)
        said = _comments(connection, workspace, names)
        lines = _lines(connection, workspace, names) if sought else {}
    begun = {draft.name for draft in drafts.all(workspace)}
    rows = [
        Row(
            name=one.name,
            newest=one.newest,
            title=one.title,
            author=one.author,
            written_at=one.written_at,
            live=one.live,
            archived=one.archived,
            labels=labels.get(one.name, {}),
            comments=said.get(one.name, 0),
            draft=one.name in begun,
            excerpt=words.excerpt(*lines[one.name], sought) if one.name in lines else None,
        )
        for one in entries
    ]
    return Page(tuple(rows), len(hits), number, pages, as_of, left)


def _shows_newest(workspace: "Workspace", query: Query) -> bool:
    """Whether the page will hold what changed last, as far as the index knows: a question to few rows."""
    if query.order is not Order.NEWEST or query.page > 1:
        return False
    if not query.narrows:
        return True
    mine = prompt_entry.c.app_id == workspace.app.id
    last = select(prompt_entry.c.name).where(mine).order_by(*_order(query)).limit(index.NEWEST)
    hits = (
        select(func.count()).select_from(prompt_entry).where(prompt_entry.c.name.in_(last), _wanted(workspace, query))
    )
    with workspace.engine.connect() as connection:
        return connection.execute(hits).scalar_one() >= PAGE


def _wanted(workspace: "Workspace", query: Query) -> ColumnElement[bool]:
    wanted = [_shown(workspace, query.archived)]
    if query.author:
        wanted.append(prompt_entry.c.author == query.author)
    if query.label:
        key, value = query.label
        named = and_(_same(prompt_label), prompt_label.c.key == key, prompt_label.c.value == value)
        wanted.append(exists().where(named))
    sought = words.asked(query.text)
    if sought:
        said = [holds(prompt_words.c.words, word) for word in sought]
        wanted.append(exists().where(_same(prompt_words), *said))
    return and_(*wanted)


def _shown(workspace: "Workspace", archived: bool) -> ColumnElement[bool]:
    """What is in the list: nothing from the trash, archived prompts when they are asked for."""
    mine = and_(prompt_entry.c.app_id == workspace.app.id, prompt_entry.c.trashed.is_(False))
    return mine if archived else and_(mine, prompt_entry.c.archived.is_(False))


def _same(table: Table) -> ColumnElement[bool]:
    return and_(table.c.app_id == prompt_entry.c.app_id, table.c.name == prompt_entry.c.name)


def _order(query: Query) -> Sequence[ColumnElement[Any]]:
    by_time = (prompt_entry.c.written_at.is_(None), prompt_entry.c.written_at.desc())
    return (*(by_time if query.order is Order.NEWEST else ()), prompt_entry.c.name)


def _labels(connection: Connection, workspace: "Workspace", names: list[str]) -> dict[str, dict[str, str]]:
    query = select(prompt_label).where(prompt_label.c.app_id == workspace.app.id, prompt_label.c.name.in_(names))
    found: dict[str, dict[str, str]] = {}
    for row in connection.execute(query.order_by(prompt_label.c.key)):
        found.setdefault(row.name, {})[row.key] = row.value
    return found


def _comments(connection: Connection, workspace: "Workspace", names: list[str]) -> dict[str, int]:
    """How often each prompt and its versions are commented on; a comment's subject begins with the prompt's name."""
    about = [
        or_(comment.c.subject == name, comment.c.subject.startswith(f"{name} ", autoescape=True)) for name in names
    ]
    query = select(comment.c.subject, func.count()).where(comment.c.app_id == workspace.app.id, or_(false(), *about))
    found: Counter[str] = Counter()
    for subject, count in connection.execute(query.group_by(comment.c.subject)):
        found[subject.partition(" ")[0]] += count
    return found


def _lines(
    connection: Connection, workspace: "Workspace", names: list[str]
) -> dict[str, tuple[list[tuple[int, str]], list[str]]]:
    """The lines of the prompts as they were written, and as they are compared."""
    query = select(prompt_words).where(prompt_words.c.app_id == workspace.app.id, prompt_words.c.name.in_(names))
    rows = connection.execute(query).all()
    return {row.name: (row.lines, row.words.split("\n")) for row in rows}

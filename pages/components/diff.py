"""Two versions of a prompt beside each other or in one text, with marks that do not rely on colour."""

import html
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import streamlit as st

from pages.components import session
from services.messages import mark
from services.prompts import Content, Piece
from services.prompts.comparison import Comparison, MessageChange, ValueChange, compare
from services.prompts.difference import rows

MOST_DRAWN = 120_000
MOST_ROWS = 2_000
LONGEST_VALUE = 2_000
CONTEXT_LINES = 2
CONTEXT = 120
BESIDE, INLINE = mark("Side by side"), mark("In one text")
VALUES = {
    "model_name": mark("Model"),
    "temperature": mark("Temperature"),
    "max_tokens": mark("Most tokens of an answer"),
    "top_p": mark("Top p"),
    "stop_sequences": mark("Stop sequences"),
    "title": mark("Title"),
    "use_case": mark("Use case"),
    "department": mark("Department"),
    "language": mark("Language"),
    "version_type": mark("Kind of version"),
    "note": mark("Note"),
}
NEW_LINE, SHOWN_LINE_END = "\n", "↵\n"
TAG = {"removed": "del", "added": "ins"}
STYLE = """
.sb-diff{position:relative;max-height:38rem;overflow:auto;border:1px solid rgba(128,128,128,.4);border-radius:8px}
.sb-diff table{width:100%;table-layout:fixed;border-collapse:separate;border-spacing:0;margin:0}
.sb-diff th,.sb-diff td{padding:.2rem .7rem;border:0;text-align:start;vertical-align:top;font-weight:400;
 white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:plaintext}
.sb-diff th{font-weight:600;background:rgba(128,128,128,.14)}
.sb-diff td+td,.sb-diff th+th{border-inline-start:1px solid rgba(128,128,128,.4)}
.sb-diff .sb-gap td{background:rgba(128,128,128,.08);font-size:.85em;text-align:center}
.sb-diff .sb-removed{background:rgba(220,60,60,.08)} .sb-diff .sb-added{background:rgba(40,160,80,.09)}
.sb-diff del{background:rgba(220,60,60,.26);text-decoration:line-through;border-radius:3px}
.sb-diff ins{background:rgba(40,160,80,.28);text-decoration:underline;border-radius:3px}
.sb-diff del::before,.sb-diff ins::before{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
"""
_ = session.text


def show(old: Content, new: Content, names: tuple[str, str], notes: tuple[str, str] = ("", "")) -> None:
    """Draw what `new` changes in `old`; `names` are what the two are called on the screen."""
    found = compare(old, new)
    if not (found.reaches_the_model or found.labels or notes[0] != notes[1]):
        st.info(_("The two versions are the same."))
        return
    if not found.reaches_the_model:
        st.caption(_("What reaches the model is the same."))
    with st.container(horizontal=True, vertical_alignment="center"):
        layout = st.segmented_control(
            _("Layout"),
            [BESIDE, INLINE],
            default=BESIDE,
            format_func=session.text,
            key="compare-layout",
            label_visibility="collapsed",
            required=True,
            persist_state="session",
        )
        only = st.toggle(_("Changes only"), value=True, key="changes-only", persist_state="session")
    st.html(markup(found, names, notes, beside=layout == BESIDE, changes_only=only))


def markup(
    found: Comparison, names: tuple[str, str], notes: tuple[str, str] = ("", ""), *, beside: bool, changes_only: bool
) -> str:
    """The comparison as one HTML table, everything escaped, bounded in size."""
    table = _Table(beside, changes_only)
    chat = any(message.moved or message.role_changed for message in found.messages) or len(found.messages) > 1
    for message in found.messages:
        if message.changed or not changes_only:
            if chat:
                table.head(_message_title(message))
            table.text(message.pieces)
    if found.response_format is not None:
        table.head(_("Response format"))
        table.text(found.response_format.pieces)
    values = [*found.settings, *found.labels, *([ValueChange("note", *notes)] if notes[0] != notes[1] else [])]
    if values:
        table.head(_("Settings and labels"))
    for value in values:
        table.value(value)
    label = _("What {new} changes in {old}", old=names[0], new=names[1])
    columns = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in names) if beside else ""
    return (
        f'<style>{STYLE}{_spoken()}</style><div class="sb-diff" role="region" tabindex="0" aria-label="{html.escape(label)}">'
        f"<table>{f'<thead><tr>{columns}</tr></thead>' if columns else ''}<tbody>{''.join(table.drawn)}</tbody></table></div>"
    )


@dataclass
class _Table:
    """The rows drawn so far, and the room that is left."""

    beside: bool
    changes_only: bool
    drawn: list[str] = field(default_factory=list)
    room: int = MOST_DRAWN

    def head(self, title: str) -> None:
        self.drawn.append(f'<tr><th colspan="{1 + self.beside}" scope="colgroup">{html.escape(title)}</th></tr>')

    def value(self, value: ValueChange) -> None:
        name = Piece("same", (_(VALUES[value.name]) if value.name in VALUES else value.name) + ": ")
        before, after = (None if one in (None, "", []) else _written(one) for one in (value.before, value.after))
        was = [Piece("removed", before)] if before else [Piece("same", _("not set"))]
        will = [Piece("added", after)] if after else [Piece("same", _("not set"))]
        self._cells([name, *was, Piece("same", " → "), *will], [name, *was], [name, *will])

    def text(self, pieces: Sequence[Piece]) -> None:
        blocks = list(_blocks(rows(pieces)))
        for position, (changed, block) in enumerate(blocks):
            if self.room <= 0 or len(self.drawn) >= MOST_ROWS:
                self._gap(_("The rest is too long to be drawn here."))
                self.room = 0
                return
            if changed:
                self._row(_shortened(block) if self.changes_only else block)
            elif self.changes_only:
                self._context(block[0].text, position > 0, position + 1 < len(blocks))
            else:
                self._row(block)

    def _context(self, text: str, above: bool, below: bool) -> None:
        """The lines next to a change, and how many are left out between them."""
        lines = text.splitlines(keepends=True)
        head, tail = CONTEXT_LINES * above, CONTEXT_LINES * below
        if len(lines) <= head + tail + 1:
            self._row(_shortened([Piece("same", text)]))
            return
        if head:
            self._row(_shortened([Piece("same", "".join(lines[:head]))]))
        self._gap(_("{n} lines without a change", n=f"{len(lines) - head - tail:,}"))
        if tail:
            self._row(_shortened([Piece("same", "".join(lines[-tail:]))]))

    def _gap(self, text: str) -> None:
        self.drawn.append(f'<tr class="sb-gap"><td colspan="{1 + self.beside}">{html.escape(text)}</td></tr>')

    def _row(self, row: Sequence[Piece]) -> None:
        row = list(self._bounded(row))
        before, after = ([piece for piece in row if piece.kind != kind] for kind in ("added", "removed"))
        self._cells(row, before, after)

    def _cells(self, row: Sequence[Piece], before: Sequence[Piece], after: Sequence[Piece]) -> None:
        cells = [before, after] if self.beside else [row]
        self.drawn.append(f"<tr>{''.join(map(_cell, cells))}</tr>")

    def _bounded(self, row: Sequence[Piece]) -> Iterator[Piece]:
        for piece in row:
            if self.room <= 0:
                yield Piece("same", "…")
                return
            yield Piece(piece.kind, piece.text[: self.room])
            self.room -= len(piece.text)


def _blocks(found: list[list[Piece]]) -> Iterator[tuple[bool, list[Piece]]]:
    """Rows with a change one by one; the unchanged ones between them as one piece."""
    same = ""
    for row in found:
        if all(piece.kind == "same" for piece in row):
            same += "".join(piece.text for piece in row)
            continue
        if same:
            yield False, [Piece("same", same)]
            same = ""
        yield True, row
    if same:
        yield False, [Piece("same", same)]


def _shortened(row: Sequence[Piece]) -> list[Piece]:
    """Only what stands next to a change of a long line that stayed."""
    return [
        Piece("same", f"{piece.text[:CONTEXT]} … {piece.text[-CONTEXT:]}")
        if piece.kind == "same" and len(piece.text) > 3 * CONTEXT
        else piece
        for piece in row
    ]


def _cell(row: Sequence[Piece]) -> str:
    """Changed line ends can be seen."""
    drawn = "".join(
        html.escape(piece.text)
        if piece.kind == "same"
        else f"<{TAG[piece.kind]}>{html.escape(piece.text).replace(NEW_LINE, SHOWN_LINE_END)}</{TAG[piece.kind]}>"
        for piece in row
    ).removesuffix(NEW_LINE)
    kinds = {piece.kind for piece in row} - {"same"}
    style = f' class="sb-{kinds.pop()}"' if len(kinds) == 1 else ""
    return f'<td dir="auto"{style}>{drawn or "<br>"}</td>'


def _spoken() -> str:
    """Removed and added text also says so to those who hear it, without a word more in what is copied."""
    said = {"del": _("removed:"), "ins": _("added:")}
    return "".join(
        f".sb-diff {tag}::before{{content:{json.dumps(word + ' ', ensure_ascii=False)}}}" for tag, word in said.items()
    )


def _message_title(message: MessageChange) -> str:
    """Which message it is, whose, and what became of it as a whole."""
    title = _("Message {n}", n=message.is_at or message.was_at)
    role = (message.after or message.before).role  # type: ignore[union-attr]  # one of the two is there
    if message.before is None:
        return f"{title} · {role} · {_('added')}"
    if message.after is None:
        return f"{title} · {role} · {_('removed')}"
    roles = f"{message.before.role} → {message.after.role}" if message.role_changed else role
    moved = " · " + _("moved, it was message {n}", n=message.was_at) if message.moved else ""
    return f"{title} · {roles}{moved}"


def _written(value: object) -> str:
    text = ", ".join(f"“{one}”" for one in value) if isinstance(value, list) else str(value)
    return text[:LONGEST_VALUE]

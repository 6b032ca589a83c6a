"""What changed between two versions of a prompt, word by word, and what that would break."""

import html
from collections.abc import Collection, Sequence

import streamlit as st

from pages.components import editor, session
from services import prompts
from services.apps import RUNTIME_VARIABLES
from services.prompts import Piece, PromptChange, PromptVersion

MOST_DRAWN = 40_000
LONGEST_SAME = 4_000
CONTEXT = 60
ALWAYS_FILLED = RUNTIME_VARIABLES | {"company_name"}
MARK = {
    "added": '<ins style="background:rgba(40,160,80,.22);text-decoration:underline">{}</ins>',
    "removed": '<del style="background:rgba(220,60,60,.20);text-decoration:line-through">{}</del>',
}
FRAME = (
    '<div role="region" tabindex="0" aria-label="{label}" style="white-space:pre-wrap;overflow-wrap:anywhere;'
    'max-height:32rem;overflow:auto;padding:.5rem;border:1px solid rgba(128,128,128,.35);border-radius:8px">{body}</div>'
)
_ = session.text


def choose(found: list[PromptVersion], known: Collection[str]) -> None:
    """Two versions from the address, or the newest against the live or the previous one, and their difference."""
    versions = {one.version: one for one in found}
    labels = {n: _("version {n} (live)", n=n) if one.live else _("version {n}", n=n) for n, one in versions.items()}
    if len(found) == 1:
        st.info(_("As soon as there are two versions, they are compared here."))
        return
    for asked in (session.number("version"), session.number("against")):
        if asked is not None and asked not in versions:
            st.warning(_("There is no version {n} of this prompt. Choose one from the list.", n=asked))
    left, right = st.columns(2)
    with right:
        new = _pick(_("Version"), "version", labels)
    live = [n for n, one in versions.items() if one.live]
    earlier = [n for n in versions if n < new]
    with left:
        others = [n for n in dict.fromkeys([*live, *earlier, *versions]) if n != new]
        old = _pick(_("Compared with"), "against", {n: labels[n] for n in others})
    show(versions[old], versions[new], known)


def show(old: PromptVersion, new: PromptVersion, known: Collection[str]) -> None:
    """The difference from `old` to `new`; `known` are the variables that the app fills in."""
    change = prompts.difference(old.template, new.template)
    if not any(piece.kind != "same" for piece in change.pieces):
        st.info(_("The two texts are the same."))
        return
    _show_notes(change, known)
    only = st.toggle(_("Changes only"), key="changes-only")
    label = _("What version {new} changes in version {old}", new=new.version, old=old.version)
    st.html(FRAME.format(label=html.escape(label), body=markup(change.pieces, changes_only=only)))


def markup(pieces: Sequence[Piece], *, changes_only: bool) -> str:
    """The pieces as HTML, everything escaped, long parts shortened."""
    room, drawn = MOST_DRAWN, []
    for position, piece in enumerate(pieces):
        text = piece.text
        if piece.kind == "same":
            context = CONTEXT if changes_only else LONGEST_SAME
            text = _shortened(
                text, 0 if position == 0 else context, 0 if position == len(pieces) - 1 else context, context
            )
        else:
            text = text.replace("\n", "↵\n")
        drawn.append(MARK.get(piece.kind, "{}").format(html.escape(text[:room])))
        room -= len(text)
        if room <= 0:
            return "".join([*drawn, "…"])
    return "".join(drawn)


def _pick(label: str, param: str, options: dict[int, str]) -> int:
    """A version: the one in the address, else the first of `options`."""
    asked, key = session.number(param), f"compare-{param}"
    st.session_state[key] = asked if asked in options else next(iter(options))
    return st.selectbox(
        label,
        list(options),
        format_func=options.__getitem__,
        key=key,
        on_change=lambda: st.query_params.update({param: str(st.session_state[key])}),
    )


def _shortened(text: str, head: int, tail: int, context: int) -> str:
    """The beginning and the end of an unchanged part, where a change stands next to them."""
    if len(text) <= 2 * context:
        return text
    return text[:head] + " … " + (text[-tail:] if tail else "")


def _show_notes(change: PromptChange, known: Collection[str]) -> None:
    unfilled = _listed(change.added - frozenset(known))
    late = _listed((change.added & frozenset(known)) - ALWAYS_FILLED)
    safe, gone = _listed(change.added & ALWAYS_FILLED), _listed(change.removed)
    if unfilled:
        st.error(
            _("New variable {names}: nothing fills it, so every agent would fail on every question.", names=unfilled)
        )
    if late:
        st.warning(
            _(
                "New variable {names}: an agent logged before the variable had a value would fail on every "
                "question. Log a new agent version if you are not sure.",
                names=late,
            )
        )
    if safe:
        st.caption(_("New variable {names}: every agent fills it.", names=safe))
    if gone:
        st.warning(_("No longer used: {names}. What it says no longer reaches the model.", names=gone))
    if not (change.added or change.removed):
        st.caption(_("The variables stay the same: nothing breaks."))


def _listed(names: Collection[str]) -> str:
    return ", ".join(editor.braces(name) for name in sorted(names)[: editor.MOST_BADGES])

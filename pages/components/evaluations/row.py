"""One row on the whole screen: what was asked and answered, every verdict with its reason, and what a person may add."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from pages.components import diff, own_words, scorer_failure, session
from pages.components.evaluations import address, judging, titles
from services.evaluations import Evaluation, browsing, corrections, reading
from services.evaluations.corrections import Correction
from services.messages import language_name, mark
from services.prompts import Content
from services.prompts.comparison import compare
from services.workspace import Workspace

_, say = session.text, session.say
ROLE = {"user": mark("Person"), "assistant": mark("Agent"), "system": mark("System message"), "tool": mark("Tool")}
ACROSS = 3


def show(
    workspace: Workspace,
    made: Evaluation,
    chosen: pd.DataFrame,
    row_id: str,
    kinds: Mapping[str, str],
    before: tuple[Evaluation, pd.DataFrame] | None = None,
) -> None:
    """The row `row_id`, with the way to its neighbours among the chosen ones; `before` is compared with it."""
    rows = reading.rows(workspace, made)
    repeats = rows[rows["row_id"].eq(row_id)].to_dict("records")
    _way(list(chosen["row_id"]), row_id)
    if not repeats:
        st.info(_("This evaluation has no such row."))
        return
    earlier = before[1][before[1]["row_id"].eq(row_id)].to_dict("records") if before else []
    _asked(repeats[0])
    if earlier and before is not None:
        _beside(made, before[0], repeats[0], earlier[0])
        _verdicts_beside(kinds, repeats[0], earlier[0])
    elif len(repeats) > 1:
        _repeats(repeats, kinds)
    else:
        _answer(repeats[0])
    said = corrections.of(workspace, repeats[0]["trace_id"])
    if not earlier and len(repeats) == 1:
        verdicts(repeats[0], kinds, said)
    elif said:
        st.markdown(f"**{_('What people said of this answer')}**")
        _people(said)
    judging.show(workspace, repeats[0], kinds)


def verdicts(one: Mapping[str, Any], kinds: Mapping[str, str], said: list[Correction]) -> None:
    """Each scorer's verdict with its reason, and beside it what people said of the same."""
    st.markdown(f"**{_('Verdicts')}**")
    for name, kind in kinds.items():
        with st.container(border=True):
            verdict(one, name, kind)
            _people([each for each in said if each.scorer == name])
    _people([each for each in said if each.scorer not in kinds])


def verdict(one: Mapping[str, Any], name: str, kind: str) -> None:
    """A light that also says in words how it stands, the scorer, and why."""
    state = titles.state_of(one, name, kind)
    told = _(browsing.VERDICTS[state]) if state in browsing.VERDICTS else titles.cell(state, one[name])
    st.markdown(f"{titles.LIGHT[state]} **{session.escape(name)}** · {session.escape(told)}")
    words, reason = reading.own_words(one, name), say(reading.reason(one, name))
    if words:
        scorer_failure.show(words)
    else:
        st.markdown(_lines(reason) if reason else f":gray[{_('It gave no reason.')}]")


def _way(ids: list[str], row_id: str) -> None:
    """Back to the table, and the neighbours, also by the arrow keys."""
    at = ids.index(row_id) if row_id in ids else -1
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            _("All rows"),
            icon=":material/arrow_back:",
            key="rows-back",
            shortcut="Esc",
            on_click=address.close_row,
        )
        earlier = ids[at - 1] if at > 0 else ""
        later = ids[at + 1] if 0 <= at < len(ids) - 1 else ""
        st.button(
            _("Previous"),
            icon=":material/chevron_left:",
            key="row-previous",
            shortcut="Left",
            on_click=address.open_row,
            args=(earlier,),
            disabled=not earlier,
        )
        st.button(
            _("Next"),
            icon=":material/chevron_right:",
            key="row-next",
            shortcut="Right",
            on_click=address.open_row,
            args=(later,),
            disabled=not later,
        )
        if at >= 0:
            st.markdown(_("**{n} of {total}**", n=at + 1, total=len(ids)), width="content")
        else:
            st.caption(_("This row is not among those chosen in the table."))


def _asked(one: Mapping[str, Any]) -> None:
    turns = reading.messages(one)
    with st.container(border=True):
        if len(turns) == 1:
            said(_("Question"), turns[0]["content"] or _("(empty)"))
        else:
            st.caption(_("Question, with what was said before it"))
            for turn in turns:
                st.markdown(f"**{_(ROLE.get(turn['role'], turn['role']))}**  \n{_lines(turn['content'])}")
        if one["expected"]:
            said(_("Expected"), one["expected"])
        told = [_("critical")] if one["critical"] else []
        told += [label for label in (one["topic"], language_name(one["language"]), one["split"]) if label]
        if told:
            st.caption(session.escape(" · ".join(told)))


def _answer(one: Mapping[str, Any]) -> None:
    with st.container(border=True):
        if one["state"] == "OK":
            said(_("Answer"), one["answer"] or _("(empty)"))
        else:
            _unanswered(one)
        _facts(one)


def _unanswered(one: Mapping[str, Any]) -> None:
    """What became of it in the reader's language; what the agent or its model said itself stands folded."""
    told = _("Its trace shows the step that failed.") if one["trace_id"] else ""
    st.error(session.joined(_("Not answered: the agent failed with an error."), told))
    own_words.folded(_("What the agent said itself"), one["error"])


def _facts(one: Mapping[str, Any]) -> None:
    """Seconds, tokens, cost, and the trace."""
    told = [session.seconds(one["seconds"])]
    if not (pd.isna(one["input_tokens"]) and pd.isna(one["output_tokens"])):
        told.append(
            _(
                "{sent} tokens in, {got} out",
                sent=titles.count(one["input_tokens"]),
                got=titles.count(one["output_tokens"]),
            )
        )
    if not pd.isna(one["cost"]):
        told.append(session.money(one["cost"]))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(session.escape(" · ".join(told)), width="content")
        if one["trace_id"]:
            st.page_link(
                session.page("traces"),
                label=_("Open the trace"),
                icon=":material/account_tree:",
                query_params={"trace": one["trace_id"]},
            )


def _repeats(repeats: list[dict[str, Any]], kinds: Mapping[str, str]) -> None:
    """Every repeat's answer and verdicts beside each other."""
    st.markdown(_("**The same question was asked {n} times**", n=len(repeats)))
    for start in range(0, len(repeats), ACROSS):
        part = repeats[start : start + ACROSS]
        for column, one in zip(st.columns(ACROSS if len(repeats) > ACROSS else len(part)), part, strict=False):
            with column:
                st.caption(_("Answer {n}", n=one["repeat"]))
                _answer(one)
                for name, kind in kinds.items():
                    verdict(one, name, kind)


def _beside(made: Evaluation, old: Evaluation, now: Mapping[str, Any], before: Mapping[str, Any]) -> None:
    """Both answers with what differs in them, word by word."""
    texts = [one["answer"] if one["state"] == "OK" else "" for one in (before, now)]
    names = (
        _("Answer before: {title}", title=titles.title(old)),
        _("Answer now: {title}", title=titles.title(made)),
    )
    if texts[0] == texts[1]:
        st.caption(_("Both answered with the same words."))
        _answer(now)
        return
    found = compare(Content(texts[0]), Content(texts[1]))
    st.html(diff.markup(found, names, beside=True, changes_only=False))
    for column, one in zip(st.columns(2, gap="large"), (before, now), strict=True):
        with column:
            if one["state"] != "OK":
                _unanswered(one)
            _facts(one)


def _verdicts_beside(kinds: Mapping[str, str], now: Mapping[str, Any], before: Mapping[str, Any]) -> None:
    st.markdown(f"**{_('Verdicts before and now')}**")
    for name, kind in kinds.items():
        with st.container(border=True):
            for column, one in zip(st.columns(2, gap="large"), (before, now), strict=True):
                with column:
                    if name in one:
                        verdict(one, name, kind)
                    else:
                        st.caption(_("{name} did not judge it.", name=session.escape(name)))


def _people(said: list[Correction]) -> None:
    for one in said:
        told = {True: _("passed"), False: _("not passed")}.get(one.value) if isinstance(one.value, bool) else None
        light = titles.LIGHT[browsing.PASSED if one.value is True else browsing.FAILED if one.value is False else browsing.VALUE]  # fmt: skip
        st.markdown(
            f":material/person: **{session.escape(one.actor)}** {light} {session.escape(told or str(one.value))} · "
            f"{session.escape(one.scorer)}  \n{_lines(one.why)}"
        )
        st.caption(session.moment(one.at))


def said(label: str, text: str) -> None:
    """Outside text as it is, with its line ends."""
    st.caption(label)
    st.markdown(_lines(text))


def _lines(text: str) -> str:
    return "  \n".join(session.escape(line) for line in str(text).splitlines())

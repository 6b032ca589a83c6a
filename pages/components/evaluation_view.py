"""One evaluation: its scores, its rows, and one row with question, answer and every verdict."""

from typing import Any, Literal

import pandas as pd
import streamlit as st

from pages.components import session, tables
from services import evaluations, verdicts
from services.evaluations import Evaluation
from services.messages import Message, mark

_, say = session.text, session.say

STATE = {
    "RUNNING": mark("running"),
    "FINISHED": mark("finished"),
    "FAILED": mark("failed"),
    "KILLED": mark("cancelled"),
    "SCHEDULED": mark("waiting"),
}
COLOUR: dict[str, Literal["green", "blue", "red"]] = {"FINISHED": "green", "RUNNING": "blue", "FAILED": "red"}
LIGHT: dict[bool | None, str] = {
    True: ":green[:material/check_circle:]",
    False: ":red[:material/cancel:]",
    None: ":gray[:material/help:]",
}
PASSED = {True: "✓", False: "✗", None: "–"}


def title(made: Evaluation) -> str:
    """An evaluation in one line, as lists and choices name it."""
    version = made.prompt_version or made.requested_version
    return _(
        "{prompt} version {n}, {time}", prompt=made.prompt_name, n=version or "–", time=session.moment(made.created_at)
    )


def head(made: Evaluation) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(session.escape(title(made)), anchor=False, width="content")
        st.badge(_(STATE.get(made.state, made.state)), color=COLOUR.get(made.state, "gray"))
        if made.practice:
            st.badge(
                _("practice model"),
                color="orange",
                help=_("The built-in practice model answered, not a real language model."),
            )
    st.caption(
        " · ".join(
            [
                session.escape(_("dataset {name}", name=made.dataset_name)),
                session.escape(_("started by {person}", person=made.actor)),
            ]
        ),
        help=_("The dataset's content then: {hash}. Equal letters mean equal questions.", hash=made.dataset_sha256[:8]),
    )


def proof(made: Evaluation) -> None:
    """Which prompt version the traces themselves show."""
    if made.prompt_version is None:
        st.warning(
            _(
                "The traces do not agree on one prompt version: the agent may ignore its prompt. This evaluation cannot carry a release."
            ),
            icon=":material/warning:",
        )
    elif not made.prompt_seen:
        st.warning(
            _("The prompt's text was not seen in what the model was sent: the agent may not use its prompt."),
            icon=":material/warning:",
        )
    else:
        st.caption(
            _("The traces show that prompt version {n} reached the model in every answer.", n=made.prompt_version)
        )


def scores(made: Evaluation) -> None:
    for start in range(0, len(made.scores), 4):
        for column, (name, score) in zip(st.columns(4), list(made.scores.items())[start : start + 4], strict=False):
            with column.container(border=True, height="stretch"):
                st.metric(session.escape(name), session.percent(score.mean))
                st.caption(_("mean of {n} rows", n=score.rows))
                unjudged = score.rows - made.failed - score.judged
                if unjudged:
                    st.caption(_("{n} rows got no verdict and count as not passed", n=unjudged))
    if made.failed:
        st.warning(
            _(
                "{n} of {rows} questions were not answered. They count as failures of every scorer.",
                n=made.failed,
                rows=made.rows,
            )
        )


def table(made: Evaluation, rows: pd.DataFrame) -> None:
    """The rows with filters; choosing one shows it below."""
    chosen = _filtered(made, rows)
    if chosen.empty:
        st.info(_("No question fits these filters."))
        return
    shown = pd.DataFrame(
        {
            "question": chosen["question"].map(tables.cell),
            "answer": chosen["answer"].where(chosen["state"] == "OK", chosen["error"]).map(tables.cell),
        }
    )
    for name in made.scores:
        shown[name] = [PASSED[_verdict(value)] for value in chosen[name]]
    shown["topic"] = chosen["topic"]
    event = st.dataframe(
        shown,
        hide_index=True,
        on_select="rerun",
        selection_mode=tables.CLICK_OR_ONE,
        key=f"rows-{made.run_id}",
        column_config={
            "question": st.column_config.TextColumn(_("Question"), width="medium"),
            "answer": st.column_config.TextColumn(_("Answer"), width="large"),
            "topic": st.column_config.TextColumn(_("Topic")),
        },
    )
    st.caption(
        _(
            "Shown: {n} of {rows} questions. ✓ passed, ✗ failed, – no verdict. Choose a row to read it.",
            n=len(chosen),
            rows=len(rows),
        )
    )
    for position in tables.chosen(event, len(chosen)):
        row(made, chosen.iloc[position])


def row(made: Evaluation, one: pd.Series) -> None:
    """Question, answer, what was expected, and each scorer's verdict with its reason."""
    with st.container(border=True):
        left, right = st.columns(2, gap="large")
        with left:
            _said(_("Question"), one["question"] or _("(empty)"))
            if one["expected"]:
                _said(_("Expected"), one["expected"])
        with right:
            if one["state"] == "OK":
                _said(_("Answer"), one["answer"])
            else:
                st.error(session.escape(_("Not answered: {reason}", reason=one["error"])))
            st.caption(
                _("{seconds} seconds", seconds=f"{one['seconds']:.1f}")
                + (" · " + _("critical") if one["critical"] else "")
            )
        for name in made.scores:
            light = LIGHT[_verdict(one[name])]
            st.markdown(
                f"{light} **{session.escape(name)}** {session.escape(say(evaluations.reason(one.to_dict(), name)))}"
            )
        if one["trace_id"]:
            st.page_link(
                session.page("traces"),
                label=_("Open the trace"),
                icon=":material/account_tree:",
                query_params={"trace": one["trace_id"]},
            )


def comparison(candidate: Evaluation, baseline: Evaluation, rows: pd.DataFrame, before: pd.DataFrame) -> None:
    """The verdict sentence and the questions that changed."""
    names = [name for name in candidate.scores if name in baseline.scores]
    sides = {"new": title(candidate), "old": title(baseline)}
    st.markdown(session.escape(_("What changes from {old} to {new}:", **sides)))
    verdict = verdicts.compare(rows, before, names)
    show = {verdicts.BETTER: st.success, verdicts.WORSE: st.error}.get(verdict.word, st.info)
    show(session.escape(say(verdicts.sentence(verdict))))
    st.caption(
        _(
            "A question passes when every shared scorer passes it. Chance of such a difference between equal versions: {p}.",
            p=_chance(verdict.p_value),
        )
    )
    if verdict.new_critical:
        st.error(
            session.escape(
                _(
                    "Critical questions that pass with {old} and fail with {new}: {n}. They stop a release from the one to "
                    "the other.",
                    n=len(verdict.new_critical),
                    **sides,
                )
            )
        )
    _score_changes(candidate, baseline, names)
    now, earlier = (verdicts.passes(one, names) for one in (rows, before))
    _changed(Message("Got worse"), earlier & ~now.reindex(earlier.index, fill_value=True), rows, before, names)
    _changed(Message("Got better"), now & ~earlier.reindex(now.index, fill_value=True), rows, before, names)


def _score_changes(candidate: Evaluation, baseline: Evaluation, names: list[str]) -> None:
    for column, name in zip(st.columns(max(len(names), 4)), names, strict=False):
        change = candidate.scores[name].mean - baseline.scores[name].mean
        column.metric(
            session.escape(name),
            session.percent(candidate.scores[name].mean),
            _("{n} points", n=f"{change * 100:+.0f}") if round(change, 2) else _("no change"),
            delta_color="normal" if round(change, 2) else "off",
            delta_arrow="auto" if round(change, 2) else "off",
        )


def _chance(share: float) -> str:
    return _("below {n} %", n="0.1") if share < 0.001 else _("{n} %", n=f"{share * 100:.1f}")


def _changed(heading: Message, changed: pd.Series, rows: pd.DataFrame, before: pd.DataFrame, names: list[str]) -> None:
    """The questions that changed, which scorers say so, and one of them read side by side."""
    ids = [id for id, was in changed.items() if was]
    if not ids:
        return
    st.markdown(f"**{say(heading)}** ({len(ids)})")
    now, earlier = (one.drop_duplicates("row_id").set_index("row_id") for one in (rows, before))
    table = pd.DataFrame(
        {
            "question": now["question"].reindex(ids).map(tables.cell, na_action="ignore"),
            "before": earlier["answer"].reindex(ids).map(tables.cell, na_action="ignore"),
            "now": now["answer"].reindex(ids).map(tables.cell, na_action="ignore"),
            "scorers": [", ".join(name for name in names if _differs(now, earlier, id, name)) for id in ids],
        }
    )
    event = st.dataframe(
        table,
        hide_index=True,
        on_select="rerun",
        selection_mode=tables.CLICK_OR_ONE,
        key=f"changed-{heading.id}",
        column_config={
            "question": st.column_config.TextColumn(_("Question"), width="medium"),
            "before": st.column_config.TextColumn(_("Answer before"), width="large"),
            "now": st.column_config.TextColumn(_("Answer now"), width="large"),
            "scorers": st.column_config.TextColumn(_("Changed scorers")),
        },
    )
    for position in tables.chosen(event, len(ids)):
        _side_by_side(now, earlier, ids[position], names)


def _differs(now: pd.DataFrame, earlier: pd.DataFrame, id: Any, name: str) -> bool:
    return id in now.index and id in earlier.index and _verdict(now.at[id, name]) != _verdict(earlier.at[id, name])


def _side_by_side(now: pd.DataFrame, earlier: pd.DataFrame, id: Any, names: list[str]) -> None:
    """One question with both answers and what each scorer said of them."""
    with st.container(border=True):
        _said(_("Question"), now.at[id, "question"] or _("(empty)"))
        sides = ((_("Answer before"), earlier), (_("Answer now"), now))
        for column, (label, found) in zip(st.columns(2, gap="large"), sides, strict=True):
            one = found.loc[id].to_dict()
            with column:
                _said(label, one["answer"] if one["state"] == "OK" else one["error"])
                for name in names:
                    reason = session.escape(say(evaluations.reason(one, name)))
                    st.markdown(f"{LIGHT[_verdict(one[name])]} **{session.escape(name)}** {reason}")


def _filtered(made: Evaluation, rows: pd.DataFrame) -> pd.DataFrame:
    left, right = st.columns([1, 2], vertical_alignment="bottom")
    failed_only = left.toggle(_("Failed only"), key=f"failed-{made.run_id}")
    topics = right.multiselect(
        _("Topics"),
        sorted({topic for topic in rows["topic"] if topic}),
        key=f"topics-{made.run_id}",
        placeholder=_("All topics"),
    )
    chosen = rows[rows["topic"].isin(topics)] if topics else rows
    if failed_only:
        passed = verdicts.passes(chosen, made.scores)
        chosen = chosen[~chosen["row_id"].map(passed).astype(bool)]
    return chosen


def _verdict(value: object) -> bool | None:
    return bool(value) if value in (True, False) else None


def _said(label: str, text: str) -> None:
    """Outside text as it is, with its line ends."""
    st.caption(label)
    st.markdown("  \n".join(session.escape(line) for line in str(text).splitlines()))

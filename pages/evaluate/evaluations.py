"""Run an agent over the questions, read the scores, compare two versions."""

import streamlit as st

from pages.components import screens, session
from pages.components.evaluations import (
    address,
    blind,
    comparison,
    filters,
    form,
    listing,
    paper,
    place,
    progress,
    row,
    summary,
    titles,
)
from pages.components.evaluations import rows as table
from services import evaluations, jobs
from services.evaluations import Evaluation, baselines, browsing, comparing, reading

_ = session.text


def shown(made: Evaluation) -> Evaluation:
    """Its head; what has no rows yet ends here."""
    pinned = baselines.pinned(workspace).get(baselines.key(made)) == made.run_id
    summary.head(made, pinned)
    place.run_page(made.page, "run-page")
    if not made.finished:
        if made.outside:
            st.info(_("This evaluation has no scores: it is still running, failed, or was cancelled."))
        else:
            progress.ended_early(workspace, made)
        st.stop()
    if made.outside:
        with st.spinner(_("Reading the traces of this evaluation")):
            return reading.complete(workspace, made)
    return made


def compared_with(made: Evaluation) -> Evaluation | None:
    """What it is compared with: the address says it, the field changes it."""
    others = {one.run_id: one for one in evaluations.listed(workspace) if one.finished and one.run_id != made.run_id}
    labels = titles.labels(others.values())
    against = st.query_params.get(address.AGAINST)
    st.session_state["against"] = against if against in others else None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            _("Compare with"),
            list(others),
            index=None,
            format_func=labels.__getitem__,
            key="against",
            placeholder=_("Choose an earlier evaluation"),
            on_change=lambda: address.compare_with(st.session_state["against"]),
        )
        baseline = baselines.of(workspace, made)
        if baseline in others and against != baseline:
            st.button(
                _("Compare with the baseline"),
                key="to-baseline",
                icon=":material/keep:",
                on_click=address.compare_with,
                args=(baseline,),
            )
        listing.pin_button(workspace, made)
        st.button(_("For printing"), key="paper", icon=":material/print:", on_click=address.show, args=(address.PAPER,))
    return reading.complete(workspace, others[against]) if against in others else None


def show_one(made: Evaluation) -> None:
    paper.style()
    asked_row, mode = st.query_params.get(address.ROW), st.query_params.get(address.MODE)
    if asked_row:
        show_row(made, asked_row)
        return
    made = shown(made)
    rows, questions = reading.rows(workspace, made), reading.questions(workspace, made)
    if questions.empty:
        st.info(_("This evaluation left no traces to read."))
        return
    kinds = reading.kinds(made, rows)
    other = compared_with(made)
    before = reading.questions(workspace, other) if other else None
    if mode == address.BLIND and other is not None and before is not None:
        blind.show(workspace, (made, other), (questions, before))
        return
    on_paper = mode == address.PAPER
    summary.proof(made)
    summary.scores(made, rows, kinds)
    found = comparing.compare(questions, before, kinds) if before is not None else None
    if found is not None and other is not None and before is not None:
        earlier = reading.rows(workspace, other)
        comparison.show(workspace, (made, other), (rows, earlier), (questions, before), found, on_paper)
    else:
        summary.spent(questions)
    parts = comparing.slices(questions, before, found.kinds if found else kinds)
    comparison.slices(parts, kinds, before is not None, on_paper)
    st.header(_("Questions and answers"), anchor=False)
    if on_paper:
        wanted = address.asked()
        changes = found.changes if found else None
        paper.show(browsing.choose(questions, kinds, wanted, changes), kinds, wanted, before)
        return
    wanted = filters.show(workspace, questions, kinds, found is not None)
    chosen = browsing.choose(questions, kinds, wanted, found.changes if found else None)
    table.show(made, chosen, len(questions), kinds, wanted, before)


def show_row(made: Evaluation, row_id: str) -> None:
    """One row on the whole screen, among those that the address chooses."""
    known = shown(made)
    rows, questions = reading.rows(workspace, known), reading.questions(workspace, known)
    kinds = reading.kinds(known, rows)
    against = st.query_params.get(address.AGAINST)
    other = reading.complete(workspace, evaluations.get(workspace, against)) if against else None
    before = reading.questions(workspace, other) if other else None
    changes = comparing.compare(questions, before, kinds).changes if before is not None else None
    chosen = browsing.choose(questions, kinds, address.asked(), changes)
    compared = (other, before) if other is not None and before is not None else None
    row.show(workspace, known, chosen, row_id, kinds, compared)


workspace = session.workspace()
screens.show_title("evaluations")
asked = st.query_params.get(address.RUN)
if asked:
    st.button(_("All evaluations"), icon=":material/arrow_back:", key="back", on_click=address.close)
    show_one(evaluations.get(workspace, asked))
    st.stop()
form.show(workspace)
progress.show(workspace)
st.header(_("All evaluations"), anchor=False)
everything = evaluations.listed(workspace)
if everything:
    listing.show(workspace, everything)
elif not any(one.live for one in jobs.recent(workspace, "evaluate")):
    st.info(
        _("There are no evaluations yet. Each one will show here with the share of questions that every scorer passed.")
    )

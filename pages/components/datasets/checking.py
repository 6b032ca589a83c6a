"""What is wrong with the dataset as a measure, with a button for what can be mended by one; and its parts."""

import pandas as pd
import streamlit as st

from pages.components import feedback, session
from pages.components.datasets import writing
from services import audit, scorers
from services.audit import Verb
from services.datasets import Dataset, Row, checkup, splitting
from services.datasets.checkup import Double, Weight
from services.messages import Message
from services.workspace import Workspace

MOST_SHOWN = 100
MOST_AT_ONCE = 3_000
ICON = {
    Weight.GOOD: ":material/check_circle:",
    Weight.HINT: ":material/info:",
    Weight.GAP: ":material/warning:",
}
COLOR = {Weight.GOOD: "green", Weight.HINT: "blue", Weight.GAP: "orange"}
_ = session.text


def show(workspace: Workspace, dataset: Dataset, rows: list[Row]) -> None:
    _show_hints(workspace, rows)
    _show_doubles(workspace, dataset, rows)
    _show_parts(workspace, dataset, rows)


def _show_hints(workspace: Workspace, rows: list[Row]) -> None:
    for hint in checkup.hints(rows, scorers.all(workspace)):
        text = session.escape(session.say(hint.message))
        remedy = f"  \n{session.escape(session.say(hint.remedy))}" if hint.remedy else ""
        st.markdown(f":{COLOR[hint.weight]}[{ICON[hint.weight]}] {text}{remedy}")
    with st.expander(_("Where the numbers come from")):
        st.markdown(
            _(
                "Two sides answer the same questions, so McNemar's test decides. The number of rows follows Connor (1987), "
                "Biometrics 43, 207–211, for a two-sided error of 5 % and a power of 80 %, as if both sides passed "
                "questions independently of each other. When they mostly pass the same ones, fewer rows are enough."
            )
        )


def _show_doubles(workspace: Workspace, dataset: Dataset, rows: list[Row]) -> None:
    st.header(_("Doubles"), anchor=False)
    found = _doubles(dataset, rows)
    if found is None:
        st.caption(_("With so many questions this takes some seconds."))
        st.button(_("Look for doubles"), key="look-for-doubles", icon=":material/search:")
        return
    if not found:
        st.caption(_("No question is asked twice, not even in almost the same words."))
        return
    exact = [one.row.id for one in found if one.exact]
    st.caption(
        _(
            "Doubles count twice in every mean. The same words: {exact}; almost the same: {close}.",
            exact=len(exact),
            close=len(found) - len(exact),
        )
    )
    lines = [
        {"drop": one.exact, "question": one.row.question, "kept": one.kept.question, "share": _share(one)}
        for one in found[:MOST_SHOWN]
    ]
    edited = st.data_editor(
        pd.DataFrame(lines),
        hide_index=True,
        num_rows="fixed",
        key=f"doubles-{dataset.id}-{dataset.updated_at.timestamp()}",
        disabled=["question", "kept", "share"],
        column_config={
            "drop": st.column_config.CheckboxColumn(_("Drop"), width="small"),
            "question": st.column_config.TextColumn(_("Question"), width="large"),
            "kept": st.column_config.TextColumn(_("Asks the same as"), width="large"),
            "share": st.column_config.TextColumn(_("Alike"), width="small"),
        },
    )
    chosen = [found[place].row.id for place, drop in enumerate(edited["drop"]) if drop]
    if len(found) > MOST_SHOWN:
        chosen += [id for id in exact if id in {one.row.id for one in found[MOST_SHOWN:]}]
        st.caption(_("The first {n} are shown; those with the same words are all dropped.", n=MOST_SHOWN))
    st.button(
        _("Drop the ticked doubles: {n}", n=len(chosen)),
        key="drop-doubles",
        on_click=_drop,
        args=(workspace, dataset, rows, chosen),
        disabled=not chosen or not audit.allowed(workspace, Verb.SAVE_DATASET),
    )


def _share(one: Double) -> str:
    return _("the same") if one.exact else session.percent(one.share)


def _doubles(dataset: Dataset, rows: list[Row]) -> list[Double] | None:
    """Looked for once per content; None while nobody asked for what takes long."""
    mark = (dataset.id, dataset.updated_at, len(rows))
    known = st.session_state.get("doubles")
    if known is None or known[0] != mark:
        if len(rows) > MOST_AT_ONCE and not st.session_state.get("look-for-doubles"):
            return None
        known = st.session_state["doubles"] = (mark, checkup.doubles(rows))
    found: list[Double] = known[1]
    return found


def _show_parts(workspace: Workspace, dataset: Dataset, rows: list[Row]) -> None:
    st.header(_("Parts"), anchor=False)
    sizes = splitting.sizes(rows)
    if sizes:
        st.caption(" · ".join(f"{session.escape(name)}: {n}" for name, n in sizes.items()))
    else:
        st.caption(_("Improve an agent on one part and judge it on another that it has never seen."))
    key = f"parts-{dataset.id}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.number_input(_("Share in percent"), 1, 99, 20, key=f"{key}-share", width=170)
        st.text_input(_("Its name"), "test", key=f"{key}-name", width=150, max_chars=40)
        st.text_input(_("Name of the rest"), "train", key=f"{key}-rest", width=170, max_chars=40)
        st.toggle(_("The same share of every topic"), True, key=f"{key}-topic")
        st.button(
            _("Divide"),
            key="divide",
            on_click=_divide,
            args=(workspace, dataset, rows),
            disabled=not rows or not audit.allowed(workspace, Verb.SAVE_DATASET),
            help=_("The draw is random and always the same; earlier parts are replaced."),
        )


def _drop(workspace: Workspace, dataset: Dataset, rows: list[Row], chosen: list[str]) -> None:
    with feedback.action(Message("Dropped doubles from {name}: {n}.", name=dataset.name, n=len(chosen))) as click:
        kept = [row for row in rows if row.id not in set(chosen)]
        writing.save(workspace, dataset, kept, click)


def _divide(workspace: Workspace, dataset: Dataset, rows: list[Row]) -> None:
    state, key = st.session_state, f"parts-{dataset.id}"
    with feedback.action(Message("Divided {name}.", name=dataset.name)) as click:
        divided = splitting.split(
            rows,
            state[f"{key}-share"] / 100,
            state[f"{key}-name"],
            state[f"{key}-rest"],
            by_topic=state[f"{key}-topic"],
        )
        writing.save(workspace, dataset, divided, click)

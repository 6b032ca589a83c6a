"""Two answers without their names: which one is better, A, B or neither, by a click or a key."""

import pandas as pd
import streamlit as st

from pages.components import feedback, session
from pages.components.evaluations import address, row
from services import audit
from services.audit import Verb
from services.evaluations import Evaluation, preferences
from services.messages import Message
from services.workspace import Workspace

_, say = session.text, session.say


def show(workspace: Workspace, sides: tuple[Evaluation, Evaluation], questions: tuple[pd.DataFrame, pd.DataFrame]) -> None:  # fmt: skip
    """One question after the other; `sides` and `questions` hold the new evaluation first."""
    now, before = (one.run_id for one in sides)
    tables = [one.drop_duplicates("row_id").set_index("row_id") for one in questions]
    shared = [id for id in tables[0].index if id in tables[1].index and _differ(tables, id)]
    st.header(_("Which answer is better?"), anchor=False)
    st.button(_("Back to the comparison"), icon=":material/arrow_back:", key="blind-back", shortcut="Esc", on_click=address.show, args=(None,))  # fmt: skip
    if not shared:
        st.info(_("The two evaluations share no question with different answers."))
        return
    done = preferences.judged(workspace, now, before)
    left = [id for id in preferences.order(workspace, now, before, shared) if id not in done]
    st.progress(1 - len(left) / len(shared), _("{n} of {total} {total:question|questions} judged by you", n=len(shared) - len(left), total=len(shared)))  # fmt: skip
    if left:
        _ask(workspace, (now, before), tables, left[0])
    else:
        st.success(_("You have judged every question."), icon=":material/check_circle:")
    _result(workspace, now, before, bool(left))


def _ask(workspace: Workspace, runs: tuple[str, str], tables: list[pd.DataFrame], id: str) -> None:
    order = (1, 0) if preferences.swapped(workspace, *runs, id) else (0, 1)
    with st.container(border=True):
        row.said(_("Question"), str(tables[0].at[id, "question"]) or _("(empty)"))
    for column, label, side in zip(st.columns(2, gap="large"), ("A", "B"), order, strict=True):
        with column.container(border=True, height="stretch"):
            row.said(_("Answer {n}", n=label), str(tables[side].at[id, "answer"]) or _("(empty)"))
    may = audit.allowed(workspace, Verb.PREFER_ANSWER)
    buttons = (
        (_("A is better"), "Left", runs[order[0]]),
        (_("The same"), "Down", None),
        (_("B is better"), "Right", runs[order[1]]),
    )
    for column, (label, key, choice) in zip(st.columns(3), buttons, strict=True):
        column.button(
            label,
            key=f"prefer-{key.lower()}",
            shortcut=key,
            width="stretch",
            disabled=not may,
            on_click=_prefer,
            args=(workspace, runs, id, choice),
        )
    st.caption(_("Whose answer is whose is hidden and drawn anew for each question. Arrow keys choose too."))


def _prefer(workspace: Workspace, runs: tuple[str, str], id: str, choice: str | None) -> None:
    with feedback.action(Message("Your choice is kept.")):
        preferences.prefer(workspace, *runs, id, choice)


def _result(workspace: Workspace, now: str, before: str, hidden: bool) -> None:
    """What everyone said; not before this person is done, so that nobody follows the others."""
    found = preferences.result(workspace, now, before)
    if hidden:
        st.caption(_("The result shows when you have judged every question."))
        return
    st.markdown(session.escape(say(preferences.sentence(found))))
    st.caption(
        _(
            "{said} {said:answer|answers} by {people} {people:person|people}. Exact sign test: chance of such a difference between two equally good "
            "versions {p} %.",
            said=found.said,
            people=found.people,
            p=f"{found.p_value * 100:.1f}",
        )
    )


def _differ(tables: list[pd.DataFrame], id: str) -> bool:
    """Whether there are two answers that could be told apart."""
    one, other = (table.loc[id] for table in tables)
    return bool(one["state"] == other["state"] == "OK" and one["answer"] != other["answer"])

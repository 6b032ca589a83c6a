"""All evaluations with their scores: open one, compare two, pin the one to compare with."""

import pandas as pd
import streamlit as st

from pages.components import agent_titles, feedback, session, tables
from pages.components.evaluations import address, titles
from services import agents, audit
from services.audit import Verb
from services.evaluations import Evaluation, baselines
from services.evaluations.records import NUMBER, PASS
from services.messages import Message
from services.workspace import Workspace

_ = session.text


def show(workspace: Workspace, found: list[Evaluation]) -> None:
    given = [(name, score.kind) for one in found for name, score in one.scores.items()]
    # Of two scorers with one name that give different things, both are shown as plain numbers.
    kinds = {name: NUMBER if (name, NUMBER) in given else kind for name, kind in given}
    asked = agent_titles.labels(agents.versions(workspace))
    pinned = set(baselines.pinned(workspace).values())
    event = st.dataframe(
        pd.DataFrame([_line(one, kinds, asked, one.run_id in pinned) for one in found]),
        hide_index=True,
        on_select="rerun",
        selection_mode=tables.CLICK_OR_MANY,
        key="evaluations",
        placeholder="",
        column_config={
            "time": _("Started"),
            "prompt": _("Prompt version"),
            "agent": _("Agent version"),
            "dataset": _("Dataset"),
            "state": _("State"),
            "rows": st.column_config.NumberColumn(_("Questions")),
            "failed": st.column_config.NumberColumn(_("Not answered")),
            "note": _("Note"),
            **{
                name: st.column_config.NumberColumn(name, format="%.0f %%" if kind == PASS else "%.2f")
                for name, kind in kinds.items()
            },
        },
    )
    if any(one.outside for one in found):
        st.caption(_("Scores of evaluations made outside the console are MLflow's own until you open one: then its rows are counted."))  # fmt: skip
    _actions(workspace, [found[position] for position in tables.chosen(event, len(found))])


def _line(one: Evaluation, kinds: dict[str, str], asked: dict[str, str], pinned: bool) -> dict[str, object]:
    notes = [_("baseline")] if pinned else []
    notes += [_("made outside the console")] if one.outside else []
    notes += [_("practice model")] if one.practice_answered else []
    notes += [_("practice judge")] if one.practice_judged else []
    notes += [_("each question asked {n} times", n=one.repeats)] if one.repeats > 1 else []
    notes += [_("cannot be read")] if one.unreadable else []
    return {
        "time": session.moment(one.created_at),
        "prompt": titles.asked(one),
        "state": _(titles.STATE.get(one.state, one.state)),
        **{name: _number(one, name, kind) for name, kind in kinds.items()},
        "note": _(", ").join(notes),
        "rows": one.rows // max(one.repeats, 1) or None,
        "failed": one.failed if one.rows else None,
        "agent": asked.get(one.model_id, "–"),
        "dataset": one.dataset_name,
    }


def _number(one: Evaluation, name: str, kind: str) -> float | None:
    score = one.scores.get(name)
    if score is None or score.mean is None:
        return None
    return score.mean * 100 if kind == PASS else score.mean


def _actions(workspace: Workspace, chosen: list[Evaluation]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        one = chosen[0] if len(chosen) == 1 else None
        st.button(_("Open"), key="open", on_click=open_one, args=(workspace, one), disabled=one is None)
        newer, older = (chosen[0].run_id, chosen[1].run_id) if len(chosen) == 2 else ("", "")
        both = len(chosen) == 2 and all(each.finished for each in chosen)
        st.button(_("Compare"), key="compare", on_click=address.open_run, args=(newer, older), disabled=not both)
        st.caption(_("Choose one row to open it, two finished ones to compare them."))


def open_one(workspace: Workspace, one: Evaluation) -> None:
    """A finished evaluation opens beside its dataset's baseline."""
    address.open_run(one.run_id, baselines.of(workspace, one) if one.finished else None)


def pin_button(workspace: Workspace, made: Evaluation) -> None:
    """Make this evaluation the one that others of its dataset are compared with, or stop that."""
    pinned = baselines.pinned(workspace).get(baselines.key(made)) == made.run_id
    st.button(
        _("Unpin the baseline") if pinned else _("Pin as baseline"),
        key="pin",
        icon=":material/keep_off:" if pinned else ":material/keep:",
        help=_("Evaluations of the same dataset open beside the baseline."),
        on_click=_pin,
        args=(workspace, made, pinned),
        disabled=not made.finished or not audit.allowed(workspace, Verb.PIN_BASELINE),
    )


def _pin(workspace: Workspace, made: Evaluation, pinned: bool) -> None:
    if pinned:
        with feedback.action(Message("There is no baseline for this dataset now.")):
            baselines.unpin(workspace, made)
        return
    with feedback.action(Message("Evaluations of this dataset are compared with this one from now on.")):
        baselines.pin(workspace, made)

"""What a queue found: what people said, how far they and the scorers agree, and the way into a dataset."""

import pandas as pd
import streamlit as st

from pages.components import feedback, no_dataset, session
from pages.components.datasets import titles as dataset_titles
from pages.components.reviews import address, words
from services import audit, datasets
from services.audit import Verb
from services.messages import Message
from services.reviews import Kind, Label, Queue, collecting, outcome
from services.reviews.outcome import ByScorer, Outcome, Said
from services.verdicts import agreement
from services.verdicts.agreement import Agreement
from services.workspace import Workspace

_, say = session.text, session.say
MOST_SHOWN = 20


def show(workspace: Workspace, queue: Queue) -> None:
    with st.spinner(_("Reading what people said")):
        found = outcome.of(workspace, queue)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(_("All queues"), icon=":material/arrow_back:", key="reviews-back", on_click=address.open_list)
        st.button(
            _("To the answers"),
            icon=":material/rate_review:",
            key="found-desk",
            on_click=address.open_queue,
            args=(queue.id,),
        )
    if not found.values:
        st.info(_("Nobody has judged an answer of this queue to the end yet."))
    else:
        for one in found.labels:
            _show_label(queue, one)
        _show_scorers(found)
    _show_rest(found)
    if found.values:
        _show_dataset(workspace, queue, found)


def _show_label(queue: Queue, one: Said) -> None:
    with st.container(border=True):
        st.markdown(f"**{session.escape(words.asked(one.label))}**")
        if not one.label.compared:
            st.caption(_("Written for {n} {n:answer|answers}.", n=one.n))
            return
        told = [_("{said}: **{n}**", said=session.escape(words.value(value)), n=n) for value, n in one.counts]
        st.markdown(" · ".join(told) or _("Nobody said it."))
        if one.mean is not None:
            st.caption(_("On average {mean}, of {n} {n:answer|answers}.", mean=f"{one.mean:.2f}", n=one.n))
        if one.between is not None:
            _show_agreement(_("The two reviewers"), one.between)


def _show_agreement(who: str, found: Agreement) -> None:
    st.markdown(f"**{session.escape(who)}**")
    for one in agreement.sentences(found):
        st.caption(session.escape(say(one)))


def _show_scorers(found: Outcome) -> None:
    """Every scorer beside the people, and the way to its health."""
    if not found.scorers:
        return
    st.markdown(f"### {_('Scorers beside people')}")
    table = pd.DataFrame([_line(one) for one in found.scorers])
    st.dataframe(table, hide_index=True, key="found-scorers", placeholder="")
    with st.expander(_("How sure that is")):
        for one in found.scorers:
            _show_agreement(_("{name} and people", name=one.name), one.agreement)
    with st.container(horizontal=True):
        for one in found.scorers:
            st.page_link(
                session.page("scorers"),
                label=_("Health of {name}", name=session.escape(one.name)),
                icon=":material/monitor_heart:",
                query_params={"scorer": one.name, "part": "health"},
            )


def _line(one: ByScorer) -> dict[str, str]:
    both = one.agreement
    kappa = "–" if both.kappa is None else f"{both.kappa:.2f}"
    return {
        _("Scorer"): one.name,
        _("It passed"): _("{n} of {total}", n=one.passed, total=one.judged),
        _("Compared with"): one.label or "–",
        _("Agrees with people"): _("{n} of {total}", n=both.agreed, total=both.n) if both.n else "–",
        _("Beyond chance (kappa)"): kappa,
    }


def _show_rest(found: Outcome) -> None:
    told = []
    if found.open_disagreements:
        told.append(
            _("Answers on which two people differ, and that wait for a referee: {n}.", n=found.open_disagreements)
        )
    if found.refereed:
        told.append(_("Decided by a referee: {n}.", n=found.refereed))
    if found.gone:
        told.append(_("Answers whose trace is gone: {n}.", n=found.gone))
    told += [_("Set aside, “{why}”: {n}.", why=words.skipped(why), n=n) for why, n in found.skipped]
    for one in told:
        st.caption(session.escape(one))


def _show_dataset(workspace: Workspace, queue: Queue, found: Outcome) -> None:
    st.markdown(f"### {_('Into a dataset')}")
    groups = _groups(queue, found)
    for label, ids in groups.items():
        _show_links(label, ids)
    known = dataset_titles.labels(datasets.all(workspace))
    may = audit.allowed(workspace, Verb.SAVE_DATASET)
    if not known:
        no_dataset.show()
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        failed = [place for place, ids in enumerate(groups.values()) if ids in _failed(queue, found)]
        st.selectbox(_("Which answers"), list(groups), index=next(iter(failed), 0), key=_key(queue, "which"), width=300)
        st.selectbox(
            _("Dataset"),
            list(known),
            index=list(known).index(workspace.app.dataset_id) if workspace.app.dataset_id in known else 0,
            format_func=known.__getitem__,
            key=_key(queue, "dataset"),
            width=300,
        )
        st.button(
            _("Add to the dataset"),
            key="collect",
            type="primary",
            icon=":material/dataset:",
            on_click=_collect,
            args=(workspace, queue, groups),
            disabled=not may,
        )
    with st.container(horizontal=True):
        st.toggle(
            _("The agent's answer is the expected one where nobody wrote a better one"), key=_key(queue, "answers")
        )
        st.toggle(_("Mark them as critical"), key=_key(queue, "critical"))
    st.caption(
        _("A right answer that a reviewer wrote becomes the expected answer, also of a question that is there already.")
    )


def _groups(queue: Queue, found: Outcome) -> dict[str, list[str]]:
    """The answers that can be taken, by what is said of them."""
    groups = {_("All judged answers ({n})", n=len(found.values)): list(found.values)}
    for label in queue.labels:
        if label.kind is not Kind.PASS:
            continue
        for value, told in ((False, _("does not pass")), (True, _("passes"))):
            ids = [id for id, said in found.values.items() if said.get(label.name) is value]
            if ids:
                groups[_("{name}: {said} ({n})", name=words.asked(label), said=told, n=len(ids))] = ids
    written = [id for id, said in found.values.items() if any(said.get(one.name) for one in _answers(queue))]
    if written:
        groups[_("With a right answer ({n})", n=len(written))] = written
    return groups


def _failed(queue: Queue, found: Outcome) -> list[list[str]]:
    """What people did not pass, which is what a dataset gains most from."""
    return [ids for label in queue.labels if label.kind is Kind.PASS and (ids := found.failed(label.name))]


def _answers(queue: Queue) -> list[Label]:
    return [label for label in queue.labels if label.kind is Kind.ANSWER]


def _show_links(label: str, ids: list[str]) -> None:
    with st.expander(session.escape(label)):
        for number, id in enumerate(ids[:MOST_SHOWN], 1):
            st.page_link(
                session.page("traces"),
                label=_("Answer {n}", n=number),
                icon=":material/open_in_new:",
                query_params={"trace": id},
            )
        if len(ids) > MOST_SHOWN:
            st.caption(_("and {n} more", n=len(ids) - MOST_SHOWN))


def _collect(workspace: Workspace, queue: Queue, groups: dict[str, list[str]]) -> None:
    said = st.session_state
    with feedback.action(Message("The questions stand in the dataset.")):
        collecting.collect(
            workspace,
            queue,
            said[_key(queue, "dataset")],
            groups[said[_key(queue, "which")]],
            critical=said[_key(queue, "critical")],
            answers=said[_key(queue, "answers")],
        )


def _key(queue: Queue, name: str) -> str:
    return f"found/{queue.id}/{name}"

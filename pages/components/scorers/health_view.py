"""How far a scorer can be trusted: people's opinions beside its own, failures, noise, and how it went over time."""

import streamlit as st

from pages.components import feedback, session
from pages.components.scorers import aligning, trying, weeks, words
from services import audit, scorers
from services.audit import Verb
from services.errors import ConsoleError
from services.messages import Message
from services.scorers import health
from services.scorers import trying as service
from services.scorers.aligning import can as can_align
from services.scorers.health import Health, Line
from services.scorers.records import ScorerSpec
from services.verdicts.agreement import Agreement
from services.workspace import Workspace

_, say = session.text, session.say
MOST_SHOWN = 20
LONGEST_QUESTION = 100


def show(workspace: Workspace, spec: ScorerSpec) -> None:
    known, wanted = health.of(workspace, spec), health.line(workspace)
    wrong = health.below(known, wanted) if scorers.needs_judge(spec) else None
    if wrong:
        st.error(_("It may not gate. {reason}", reason=session.escape(say(wrong))), icon=":material/block:")
    st.caption(
        _(
            "Of version {n}, over the newest {answers} answers of the last {days} days; agreement also over older ones that people judged.",
            n=spec.version,
            answers=health.MOST_READ,
            days=health.DAYS,
        )
    )
    _show_numbers(known)
    _show_agreement(known, wanted)
    _show_noise(workspace, known)
    if can_align(spec):
        aligning.show(workspace, spec)
    weeks.show(known)
    if scorers.needs_judge(spec):
        _show_line(workspace, wanted)


def _show_numbers(known: Health) -> None:
    verdicts, failures, people = st.columns(3)
    verdicts.metric(_("Verdicts"), known.verdicts)
    failures.metric(
        _("Failed to judge"), known.failures, help=_("It raised an error, or its answer could not be read.")
    )
    people.metric(_("Also judged by people"), known.agreement.n)


def _show_agreement(known: Health, wanted: Line) -> None:
    st.markdown(f"### {_('Agreement with people')}")
    found = known.agreement
    if not found.n:
        st.info(
            _(
                "No person judged an answer that it judged. Give answers a thumb on the Traces screen, or correct it in an evaluation."
            )
        )
        return
    counts = {
        (ours, theirs): found.table[i][j]
        for i, ours in enumerate(found.labels)
        for j, theirs in enumerate(found.labels)
    }
    st.markdown(
        _(
            "Of {n} {n:answer|answers}, both said **passed** {both} {both:time|times} and both said **failed** {neither} {neither:time|times}. It passed {lenient} that people found wrong, and failed {strict} that people found right.",
            n=found.n,
            both=counts.get((True, True), 0),
            neither=counts.get((False, False), 0),
            lenient=counts.get((True, False), 0),
            strict=counts.get((False, True), 0),
        )
    )
    if found.kappa is None:
        st.caption(
            _("Both gave one and the same verdict every time, so agreement beyond chance cannot be measured yet.")
        )
    else:
        st.markdown(say(words.strength(found.kappa)))
        _show_kappa(found, wanted)
    _show_disagreements(known)


def _show_kappa(found: Agreement, wanted: Line) -> None:
    """With its interval, where the answers are enough for one."""
    if found.low is None or found.high is None:
        st.caption(
            _(
                "Cohen's kappa {kappa}: 1 is full agreement, 0 is what chance gives. These answers cannot tell how sure that is. It rests on {n} {n:answer|answers}; {least} are asked for.",
                kappa=f"{found.kappa:.2f}",
                n=found.n,
                least=wanted.opinions,
            )
        )
    else:
        st.caption(
            _(
                "Cohen's kappa {kappa}, 95 % interval {low} to {high}: 1 is full agreement, 0 is what chance gives. It rests on {n} {n:answer|answers}; {least} are asked for.",
                kappa=f"{found.kappa:.2f}",
                low=f"{found.low:.2f}",
                high=f"{found.high:.2f}",
                n=found.n,
                least=wanted.opinions,
            )
        )


def _show_disagreements(known: Health) -> None:
    if not known.disagreements:
        return
    with st.expander(_("Answers on which it and people differ ({n})", n=len(known.disagreements))):
        for passed in (True, False):
            found = [one for one in known.disagreements if one.passed is passed]
            if found:
                said = _("It passed, people found it wrong") if passed else _("It failed, people found it right")
                st.markdown(f"**{said}** ({len(found)})")
            for one in found[:MOST_SHOWN]:
                question = " ".join(one.question.split())[:LONGEST_QUESTION]
                st.page_link(
                    session.page("traces"),
                    label=session.escape(question) or _("(empty question)"),
                    query_params={"trace": one.trace_id},
                    icon=":material/open_in_new:",
                )


def _show_noise(workspace: Workspace, known: Health) -> None:
    st.markdown(f"### {_('Noise')}")
    key = f"noise-{workspace.app.id}-{known.spec.name}"
    noise = known.noise
    if noise is None:
        st.caption(_("Not measured. The same answers are judged twice: what differs then is noise, not quality."))
    elif noise.mean_difference is not None:
        st.markdown(
            _(
                "Of {pairs} {pairs:answer|answers} judged twice, {differ} got another verdict ({share} %); on average they differed by {apart}.",
                pairs=noise.pairs,
                differ=noise.differ,
                share=round(noise.share * 100),
                apart=f"{noise.mean_difference:g}",
            )
        )
        st.caption(_("Measured {time}. Failed: {n}.", time=session.moment(noise.at), n=noise.failed))
    else:
        st.warning(
            _(
                "None of {n} {n:answer|answers} got two verdicts. Failed: {failed}.",
                n=noise.answers,
                failed=noise.failed,
            )
        )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        trying.choose_answers(workspace, f"from-{key}")
        st.button(
            _("Judge answers twice"),
            key=key,
            icon=":material/repeat:",
            on_click=_measure,
            args=(workspace, known.spec.name),
            disabled=not audit.allowed(workspace, Verb.EVALUATE),
        )
    job_id = st.session_state.get(f"job-{key}")
    if job_id is not None:
        feedback.job(job_id)


def _measure(workspace: Workspace, name: str) -> None:
    key = f"noise-{workspace.app.id}-{name}"
    try:
        job = service.start_twice(workspace, name, st.session_state[f"from-{key}"])
    except ConsoleError as error:
        st.session_state["_outcome"] = error
        return
    st.session_state[f"job-{key}"] = job.id


def _show_line(workspace: Workspace, wanted: Line) -> None:
    """The app's line, the same for all judges."""
    with st.expander(_("When a judge may gate (for all judges of this app)")):
        key = f"line-{workspace.app.id}"
        left, middle, right = st.columns(3)
        left.number_input(
            _("Agreement with people, at least"),
            -1.0,
            1.0,
            wanted.kappa,
            0.05,
            key=f"kappa-{key}",
            help=_("Cohen's kappa"),
        )
        middle.number_input(_("Counts from so many answers on"), 2, 10_000, wanted.opinions, key=f"opinions-{key}")
        right.number_input(_("Failures, at most in %"), 1, 100, round(wanted.failures * 100), key=f"failures-{key}")
        st.toggle(
            _("A judge may gate only after people judged enough of its answers"),
            wanted.people_first,
            key=f"first-{key}",
        )
        st.button(
            _("Save the line"),
            key=f"save-{key}",
            on_click=_save_line,
            args=(workspace,),
            disabled=not audit.allowed(workspace, Verb.SAVE_GATE),
        )


def _save_line(workspace: Workspace) -> None:
    key, state = f"line-{workspace.app.id}", st.session_state
    with feedback.action(Message("Saved when a judge may gate.")):
        wanted = Line(
            kappa=float(state[f"kappa-{key}"]),
            opinions=int(state[f"opinions-{key}"]),
            failures=state[f"failures-{key}"] / 100,
            people_first=bool(state[f"first-{key}"]),
        )
        health.save_line(workspace, wanted)

"""Align a judge with people: the optimiser's proposal beside what stands, kept only when somebody says so."""

import streamlit as st

from pages.components import diff, feedback, session
from pages.components.scorers import opening
from services import audit, scorers, verdicts
from services.audit import Verb
from services.messages import Message
from services.prompts import Content
from services.scorers import aligning, health
from services.scorers.aligning import Agreed, Outcome
from services.scorers.records import ScorerSpec
from services.workspace import Workspace

_, say = session.text, session.say


def show(workspace: Workspace, spec: ScorerSpec) -> None:
    """What people's verdicts can teach it, the button, and what the newest run wrote."""
    st.markdown(f"### {_('Align with people')}")
    st.caption(
        _(
            "An optimiser of MLflow rewrites the judge's instructions until it judges as people do. Half of the answers that people judged teach it, the other half measure it. It is a proposal: nothing changes until you keep it."
        )
    )
    told = health.counted(health.people(workspace, spec))
    blockers = aligning.blockers(workspace, spec, told)
    if blockers:
        for message, remedy in blockers:
            st.info(f"{session.escape(say(message))}  \n{session.escape(say(remedy))}")
    else:
        _offer(workspace, spec, told)
    job = aligning.latest(workspace, spec.name)
    outcome = aligning.outcome(feedback.job(job.id)) if job else None
    if outcome is not None:
        _show_outcome(workspace, spec, outcome)


def _offer(workspace: Workspace, spec: ScorerSpec, told: dict[bool, int]) -> None:
    key = f"{workspace.app.id}-{spec.name}"
    offered = aligning.optimizers()
    chosen = str(
        st.radio(_("How"), offered, format_func=lambda one: _(aligning.OPTIMIZERS[one]), key=f"align-how-{key}")
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            _("Align the judge"),
            icon=":material/auto_fix_high:",
            key=f"align-{key}",
            on_click=_start,
            args=(workspace, spec.name),
            disabled=not audit.allowed(workspace, Verb.SAVE_SCORER),
        )
        st.caption(
            _(
                "People passed {passed} answers and failed {failed}. It takes about {n} model calls.",
                passed=told[True],
                failed=told[False],
                n=aligning.calls(chosen, sum(told.values())),
            )
        )


def _start(workspace: Workspace, name: str) -> None:
    with feedback.action(Message("The optimiser has started. You may leave this page.")):
        aligning.start(workspace, name, st.session_state[f"align-how-{workspace.app.id}-{name}"])


def _show_outcome(workspace: Workspace, spec: ScorerSpec, outcome: Outcome) -> None:
    st.markdown(f"#### {_('What it wrote from version {n}', n=outcome.base)}")
    if not outcome.changed:
        st.info(_("It found nothing better: the instructions stay as they are. More opinions of people may help."))
        return
    if outcome.refused:
        st.error(_("Its text cannot be saved: {reason}", reason=session.escape(say(outcome.refused))))
    before, after = st.columns(2)
    _agreement(before, _("Agrees with people today"), outcome.before)
    _agreement(after, _("Agrees with people as proposed"), outcome.after)
    st.markdown(session.escape(say(_word(outcome))))
    st.caption(
        _(
            "Measured on {n} answers that it did not learn from; it learned from {learned} others. The text may quote answers that it learned from: read it before you keep it.",
            n=outcome.after.n + outcome.after.failed,
            learned=outcome.learned,
        )
    )
    _show_texts(workspace, spec, outcome)
    if spec.version != outcome.base:
        st.info(_("The judge was changed since. Align the newest version to get a proposal for it."))
        return
    st.button(
        _("Keep it as version {n}", n=outcome.base + 1),
        type="primary",
        icon=":material/check:",
        key=f"take-aligned-{workspace.app.id}-{spec.name}",
        on_click=_take,
        args=(workspace, outcome),
        disabled=bool(outcome.refused) or not audit.allowed(workspace, Verb.SAVE_SCORER),
    )
    st.caption(_("Evaluations use it from then on. Live answers keep being judged by the version that was started for them."))  # fmt: skip


def _agreement(place: st.delta_generator.DeltaGenerator, label: str, found: Agreed) -> None:
    place.metric(label, _("{n} of {all}", n=found.agreed, all=found.n + found.failed))
    if found.kappa is not None and (found.low is None or found.high is None):
        place.caption(_("Cohen's kappa {kappa}.", kappa=f"{found.kappa:.2f}"))
    elif found.kappa is not None:
        place.caption(
            _(
                "Cohen's kappa {kappa}, 95 % interval {low} to {high}.",
                kappa=f"{found.kappa:.2f}",
                low=f"{found.low:.2f}",
                high=f"{found.high:.2f}",
            )
        )
    if found.failed:
        place.caption(_("Failed to judge: {n}.", n=found.failed))


def _word(outcome: Outcome) -> Message:
    if outcome.verdict.word == verdicts.BETTER:
        return Message("It agrees with people more often, and by more than chance would do.")
    if outcome.verdict.word == verdicts.WORSE:
        return Message("It agrees with people less often than today's version: do not keep it.")
    return Message(
        "Whether it agrees with people more often cannot be told yet: chance alone could make this difference."
    )


def _show_texts(workspace: Workspace, spec: ScorerSpec, outcome: Outcome) -> None:
    base = scorers.at(workspace, spec.name, outcome.base)
    with st.expander(_("What it changed"), expanded=True):
        texts = [Content(str(one.settings["instructions"])) for one in (base, outcome.spec)]
        diff.show(texts[0], texts[1], (_("version {n}", n=outcome.base), _("proposal")))


def _take(workspace: Workspace, outcome: Outcome) -> None:
    with feedback.action(Message("Kept as the newest version. It scores from the next evaluation on.")):
        kept = aligning.take(workspace, outcome.job_id)
        opening.open_one(kept.name, "health")

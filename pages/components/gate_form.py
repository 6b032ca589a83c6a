"""The form of the gate, and how it came to be what it is."""

import math

import streamlit as st

from pages.components import critical_memory, feedback, session
from services import apps, audit, scorers
from services.apps import Gate
from services.audit import Verb
from services.messages import Message
from services.scorers import ScorerSpec
from services.workspace import Workspace

_, say = session.text, session.say


def show(workspace: Workspace) -> None:
    """The rules of the gate as fields, and below them every earlier version."""
    st.write(_("A release passes only when an evaluation holds every rule. Failed rows count as failures."))
    specs = scorers.all(workspace)
    if not specs:
        st.info(_("There are no scorers yet. Make one on the Scorers screen; then set its minimum here."))
        st.page_link(session.page("scorers"), label=_("Open Scorers"), icon=":material/rule:")
    else:
        _fields(workspace, specs)
        st.markdown(f"**{_('What critical questions caught')}**")
        critical_memory.show(workspace)
    _history(workspace)


def _fields(workspace: Workspace, specs: list[ScorerSpec]) -> None:
    gate, app = workspace.app.gate, workspace.app.id
    with st.container(border=True):
        st.markdown(f"**{_('Scores')}**")
        st.caption(_("The gate is the least that an evaluation must show before a release may start."))
        st.number_input(_("Fewest questions"), 1, 100_000, gate.rows, key=f"fewest-rows-{app}", width=220)
        for spec in specs:
            _scorer(gate, app, spec)
        st.caption(_("0 % or an empty minimum means that the scorer does not gate."))
    left, right = st.columns(2)
    with left.container(border=True, height="stretch"):
        _critical_and_limits(workspace)
    with right.container(border=True, height="stretch"):
        _compared(gate, app)
    st.button(
        _("Save gate"),
        type="primary",
        key="save-gate",
        on_click=_save,
        args=(workspace, specs),
        disabled=not audit.allowed(workspace, Verb.SAVE_GATE),
    )


def _scorer(gate: Gate, app: str, spec: ScorerSpec) -> None:
    scale = scorers.scale(spec)
    minimum, judged = st.columns([3, 1.3], gap="medium", vertical_alignment="bottom")
    asks = session.escape(say(scorers.describe(spec)))
    with minimum:
        if scale is None:
            share = round((_stored(gate, spec) or 0) * 100)
            st.slider(spec.name, 0, 100, share, format="%d %%", key=f"gate-{app}-{spec.name}", help=asks)
        else:
            low, high = min(scale), max(scale)
            st.number_input(
                _("{name}: lowest mean, from {low} to {high}", name=spec.name, low=f"{low:g}", high=f"{high:g}"),
                low,
                high,
                _stored(gate, spec),
                key=f"gate-{app}-{spec.name}",
                placeholder=_("does not gate"),
                help=asks,
            )
    judged.number_input(
        _("Fewest judged rows"),
        1,
        100_000,
        gate.judged.get(spec.name),
        key=f"gate-judged-{app}-{spec.name}",
        placeholder=_("all answered"),
        help=_("How many rows the scorer must have judged. Left empty, it must judge every row that was answered."),
    )


def _stored(gate: Gate, spec: ScorerSpec) -> float | None:
    """The stored minimum; None when the scorer has another scale since: it must be set anew, not saved along."""
    least = gate.minimum.get(spec.name) if gate.measures(spec.name, scorers.scale(spec)) else None
    return None if least is None else float(least)


def _critical_and_limits(workspace: Workspace) -> None:
    gate, app, money = workspace.app.gate, workspace.app.id, workspace.app.money
    st.radio(
        _("Critical questions"),
        list(apps.CRITICAL),
        index=list(apps.CRITICAL).index(gate.critical),
        format_func=lambda rule: _(apps.CRITICAL[rule]),
        key=f"gate-critical-{app}",
    )
    st.number_input(
        _("{currency} per answer, at most", currency=money.code),
        min_value=0.0,
        value=None if gate.cost is None else float(f"{money.of(gate.cost):.12g}"),
        step=0.001 * 10 ** round(math.log10(money.rate)),
        format="%.4f",
        key=f"gate-cost-{app}-{money.code}-{money.rate:g}",
        placeholder=_("no limit"),
        help=_("The average over the answers of the evaluation."),
    )
    st.number_input(
        _("Seconds that 95 of 100 answers keep within"),
        min_value=0.0,
        value=gate.seconds,
        step=0.5,
        key=f"gate-seconds-{app}",
        placeholder=_("no limit"),
    )


def _compared(gate: Gate, app: str) -> None:
    chosen = st.radio(
        _("Compared with what is live"),
        list(apps.VERDICT),
        index=list(apps.VERDICT).index(gate.verdict),
        format_func=lambda rule: _(apps.VERDICT[rule]),
        key=f"gate-verdict-{app}",
        help=_("What is shown to be worse never passes. The stricter rules need more questions."),
    )
    st.number_input(
        _("Points worse that would not matter"),
        0.1,
        50.0,
        gate.margin * 100,
        step=0.5,
        format="%.1f",
        key=f"gate-margin-{app}",
        disabled=chosen != apps.WITHIN,
        help=_("Of 100 questions, how many fewer may pass before you would call it a loss."),
    )


def _save(workspace: Workspace, specs: list[ScorerSpec]) -> None:
    """A click may overtake what was just typed, so the fields are read here."""
    typed, app = st.session_state, workspace.app.id
    minimum, scales, judged = {}, {}, {}
    for spec in specs:
        value, scale = typed[f"gate-{app}-{spec.name}"], scorers.scale(spec)
        if value is None or (scale is None and not value):
            continue
        minimum[spec.name] = value / 100 if scale is None else float(value)
        if scale is not None:
            scales[spec.name] = (min(scale), max(scale))
        if typed[f"gate-judged-{app}-{spec.name}"]:
            judged[spec.name] = int(typed[f"gate-judged-{app}-{spec.name}"])
    money = workspace.app.money
    cost = typed[f"gate-cost-{app}-{money.code}-{money.rate:g}"]
    gate = Gate(
        minimum=minimum,
        rows=int(typed[f"fewest-rows-{app}"]),
        judged=judged,
        scales=scales,
        critical=typed[f"gate-critical-{app}"],
        verdict=typed[f"gate-verdict-{app}"],
        margin=round(typed[f"gate-margin-{app}"] / 100, 4),
        cost=None if cost is None else money.dollars(cost),
        seconds=typed[f"gate-seconds-{app}"],
    )
    with feedback.action(Message("Saved the gate.")):
        apps.save_gate(workspace, gate)


def _history(workspace: Workspace) -> None:
    """Every version with who set it, when, and the rules that came and went."""
    versions = apps.gate_history(workspace)
    with st.expander(_("Earlier versions of the gate: {n}", n=max(len(versions) - 1, 0)), icon=":material/history:"):
        for one, older in zip(versions, [*versions[1:], None], strict=True):
            now = [say(rule) for rule in apps.gate_in_words(one.gate, workspace.app.money)]
            before = [say(rule) for rule in apps.gate_in_words(older.gate, workspace.app.money)] if older else []
            st.markdown(
                _(
                    "**Version {n}**, {time}, {person}",
                    n=one.version,
                    time=session.moment(one.at),
                    person=session.escape(one.actor),
                )
            )
            came = [f"- :green[+] {session.escape(rule)}" for rule in now if rule not in before]
            went = [f"- :red[−] {session.escape(rule)}" for rule in before if rule not in now]
            st.markdown("\n".join([*came, *went]) or _("Nothing changed."))

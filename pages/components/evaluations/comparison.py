"""Two evaluations beside each other: is the difference real, where is it, and what was set differently."""

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd
import streamlit as st

from pages.components import agent_titles, session, verdict_view
from pages.components.evaluations import address, noise_floor, summary, titles
from services import agents, evaluations, verdicts
from services.evaluations import Evaluation, comparing, noise, preferences
from services.evaluations.browsing import BETTER, SAME, WORSE, RowFilter
from services.evaluations.comparing import WHOLE, Comparison, Setting, Slice
from services.evaluations.sources import AGENT, ENDPOINT, TRACES
from services.messages import language_name, mark
from services.workspace import Workspace

_, say = session.text, session.say
SOURCES = {AGENT: mark("An agent version"), ENDPOINT: mark("What answers at the endpoint now"), TRACES: mark("Answers that exist")}  # fmt: skip
SETTING = {
    "source": mark("What is evaluated"),
    "live": mark("Live at its start"),
    "agent": mark("Agent version"),
    "prompt": mark("Prompt version"),
    "dataset": mark("Dataset"),
    "content": mark("Content of the dataset"),
    "repeats": mark("Times each question is asked"),
    "practice": mark("Practice model"),
    "practice judge": mark("Practice judge"),
}
BY = {"topic": mark("Topic"), "language": mark("Language"), "split": mark("Part"), "critical": mark("Critical")}
MOST_NAMED = 50
# The counts of all scorers stand below each other, and fit beside their names on a small screen.
WIDTH_OF_COUNT = 122
ICON = {BETTER: ":material/trending_up:", WORSE: ":material/trending_down:", SAME: ":material/trending_flat:"}


def show(
    workspace: Workspace,
    sides: tuple[Evaluation, Evaluation],
    rows: tuple[pd.DataFrame, pd.DataFrame],
    questions: tuple[pd.DataFrame, pd.DataFrame],
    found: Comparison,
    on_paper: bool = False,
) -> None:
    """`sides`, `rows` (with repeats) and `questions` hold the new evaluation first, then the old one."""
    new, old = sides
    st.markdown(session.escape(_("What changes from {old} to {new}:", new=titles.title(new), old=titles.title(old))))
    _verdict(workspace, sides, rows, found, on_paper)
    if on_paper:
        _counts_on_paper(sides, found)
    else:
        _counts(sides, found)
    summary.spent(*questions)
    _settings(workspace, sides, on_paper)
    _only(questions, found)
    _preferred(workspace, new, old)


def slices(found: list[Slice], kinds: Mapping[str, str], compared: bool, expanded: bool = False) -> None:
    """Each part of the dataset with its n; compared, what it was and what it is."""
    if not found:
        return
    with st.expander(_("Results by part of the dataset"), icon=":material/donut_small:", expanded=expanded):
        table = pd.DataFrame(
            [
                {
                    "by": _(BY[one.by]),
                    "value": _part(one),
                    "rows": one.rows,
                    **{
                        name: (f"{titles.mean(means[0], kinds[name])} → " if compared else "")
                        + titles.mean(means[1], kinds[name])
                        for name, means in one.means.items()
                    },
                }
                for one in found
            ]
        )
        st.table(table.rename(columns={"by": _("By"), "value": _("Which"), "rows": _("Questions")}).set_index(_("By")))
        st.caption(_("A small part says little: with few questions one answer more or less moves the mean a lot."))


def _verdict(
    workspace: Workspace,
    sides: tuple[Evaluation, Evaluation],
    rows: tuple[pd.DataFrame, pd.DataFrame],
    found: Comparison,
    on_paper: bool,
) -> None:
    """Made as the gate makes its own; only scorers that gate stop a release by a critical question."""
    gate = workspace.app.gate
    settings = verdicts.VerdictSettings(margin=gate.margin, scales=gate.scales)
    names = list(found.kinds)
    floor = noise.floor(
        workspace, sides, list(dict.fromkeys([*names, *gate.minimum])), settings, evaluations.all(workspace)
    )
    settings = replace(settings, noise=floor.sizes)
    verdict = verdicts.compare(*rows, names, settings)
    verdict_view.show(verdict, key=f"verdict-{sides[0].run_id}")
    noise_floor.show(workspace, sides, floor, on_paper)
    stopping = verdicts.compare(*rows, list(gate.minimum), settings).new_critical if gate.minimum else []
    others = set(verdict.new_critical) - set(stopping)
    named = {"new": titles.title(sides[0]), "old": titles.title(sides[1])}
    if stopping:
        stop = _(
            "Critical questions that pass with {old} and fail with {new}: {n}. They stop a release from the one to the other.",
            n=len(stopping),
            **named,
        )
        st.error(session.escape(stop))
    if others:
        told = _(
            "Critical questions that pass with {old} and fail with {new} by scorers that do not gate: {n}. They stop no "
            "release.",
            n=len(others),
            **named,
        )
        st.warning(session.escape(told))


def _counts(sides: tuple[Evaluation, Evaluation], found: Comparison) -> None:
    """Per scorer what it was, what it is, and how many questions moved: each count shows its questions below."""
    asked = address.asked()
    with st.container(border=True):
        for name in _compared(found):
            label, counts = st.columns([1, 2.5], gap="small", vertical_alignment="center")
            label.markdown(f"**{session.escape(name or _('Every scorer passes'))}** {_moved(sides, name)}")
            with counts.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
                for word, n in _words(found, name):
                    st.button(
                        _label(word, n),
                        key=f"change-{name}-{word}",
                        icon=ICON[word],
                        type="primary" if (asked.scorer, asked.change) == (name, word) else "secondary",
                        width=WIDTH_OF_COUNT,
                        disabled=not n,
                        on_click=address.choose,
                        args=(RowFilter(scorer=name, change=word),),
                    )
        st.caption(_("Counted: {n} {n:question|questions} that both have. A number shows its questions below.", n=len(found.changes)))  # fmt: skip


def _counts_on_paper(sides: tuple[Evaluation, Evaluation], found: Comparison) -> None:
    """The same in words: nobody presses a button on paper."""
    for name in _compared(found):
        counts = _(", ").join(_label(word, n) for word, n in _words(found, name))
        st.markdown(f"**{session.escape(name or _('Every scorer passes'))}** {_moved(sides, name)} · {counts}")


def _compared(found: Comparison) -> list[str]:
    """One scorer alone says the same as the whole."""
    return list(found.kinds) if len(found.kinds) == 1 else [WHOLE, *found.kinds]


def _words(found: Comparison, name: str) -> list[tuple[str, int]]:
    counts = found.counts(name)
    return [(BETTER, counts.better), (WORSE, counts.worse), (SAME, counts.same)]


def _label(word: str, n: int) -> str:
    return {BETTER: _("{n} better", n=n), WORSE: _("{n} worse", n=n), SAME: _("{n} the same", n=n)}[word]


def _moved(sides: tuple[Evaluation, Evaluation], name: str) -> str:
    if name == WHOLE:
        return ""
    now, before = sides[0].scores.get(name), sides[1].scores.get(name)
    return f":gray[{titles.score(before)} →] {titles.score(now)}"


def _settings(workspace: Workspace, sides: tuple[Evaluation, Evaluation], expanded: bool) -> None:
    changed = comparing.settings(*sides)
    if not comparing.known(*sides):
        st.caption(_("It is not known which agent and prompt version gave each answer: they may differ, too."))
    elif not changed:
        st.caption(_("Agent, prompt, dataset and scorers are the same on both sides: what differs is chance."))
    if not changed:
        return
    known = agent_titles.labels(agents.versions(workspace))
    with st.expander(_("What was set differently ({n})", n=len(changed)), icon=":material/tune:", expanded=expanded):
        st.table(
            pd.DataFrame(
                [
                    {
                        _("Setting"): session.escape(
                            _("Scorer {name}", name=one.what) if one.scorer else _(SETTING[one.what])
                        ),
                        _("Before"): session.escape(_told(one, one.before, known)),
                        _("Now"): session.escape(_told(one, one.now, known)),
                    }
                    for one in changed
                ]
            ).set_index(_("Setting"))
        )


def _told(one: Setting, value: str, known: Mapping[str, str]) -> str:
    if one.scorer:
        return _("version {n}", n=value) if value and value != "0" else _("used") if value else _("not used")
    if one.what == "agent":
        return known.get(value, "–")
    if one.what == "source":
        return _(SOURCES[value])
    if one.what == "content":
        return _("edited since") if value == one.now else "–"
    if one.what in ("practice", "practice judge"):
        return _("yes") if value == "True" else _("no")
    return value or "–"


def _only(questions: tuple[pd.DataFrame, pd.DataFrame], found: Comparison) -> None:
    """Questions that cannot be compared, because one side never asked them."""
    for label, ids, table in (
        (_("Questions only in the new one: {n}", n=len(found.only_now)), found.only_now, questions[0]),
        (_("Questions only in the old one: {n}", n=len(found.only_before)), found.only_before, questions[1]),
    ):
        if ids:
            with st.expander(label, icon=":material/playlist_remove:"):
                asked = table.drop_duplicates("row_id").set_index("row_id")["question"]
                for id in ids[:MOST_NAMED]:
                    st.markdown("- " + session.escape(" ".join(str(asked[id]).split())[:200]))
                if len(ids) > MOST_NAMED:
                    st.caption(_("… and {n} more", n=len(ids) - MOST_NAMED))


def _preferred(workspace: Workspace, new: Evaluation, old: Evaluation) -> None:
    """What people preferred who did not know whose answer was whose."""
    result = preferences.result(workspace, new.run_id, old.run_id)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            _("Choose the better answers blind"),
            key="blind",
            icon=":material/visibility_off:",
            on_click=address.show,
            args=(address.BLIND,),
        )
        if result.said:
            st.caption(say(preferences.sentence(result)))


def _part(one: Slice) -> str:
    if one.by == "critical":
        return _("critical") if one.value == "True" else _("others")
    value = language_name(one.value) if one.by == "language" else one.value
    return session.escape(value) or _("(none)")

"""Say what makes an answer good: rules, word lists and guidelines that score every answer."""

from typing import Any

import streamlit as st

from pages.components import feedback, session
from services import audit, scorers
from services.audit import Verb
from services.messages import Message, mark
from services.scorers import ScorerSpec

_, say = session.text, session.say

KIND = {
    "length": mark("Length"),
    "mentions": mark("Mentions words"),
    "polite": mark("Polite"),
    "word_list": mark("Word list"),
    "guidelines": mark("Guidelines, judged by a model"),
    "grounded": mark("Grounded in documents, judged by a model"),
}
HELP = {
    "length": mark("Passes answers between two numbers of characters."),
    "mentions": mark("Passes answers that contain the words you type, such as the company's name."),
    "polite": mark("Passes courteous answers: expressions such as “thank you” in English, です・ます in Japanese."),
    "word_list": mark("Passes answers without any word of the published list of offensive and dangerous words."),
    "guidelines": mark("A language model reads the answer and decides whether it follows your sentences."),
    "grounded": mark(
        "A language model compares the answer with the documents that the agent looked up. For agents that were logged "
        "with documents, and others that look something up."
    ),
}


def save(name: str | None, kind: str) -> None:
    """A new scorer without `name`; a click may overtake what was just typed, so the fields are read here."""
    key = form_key(name)
    called = (name or st.session_state[f"name-{key}"]).strip()
    with feedback.action(Message("Saved {name}. It scores from the next evaluation on.", name=called)):
        scorers.save(workspace, ScorerSpec(called, kind, read_settings(kind, f"{key}-{kind}")))
        st.query_params.pop("scorer", None)
        if name is None:
            st.session_state[f"name-{key}"] = ""


def remove(name: str) -> None:
    with feedback.action(Message("Removed {name}. Earlier evaluations keep its scores.", name=name)):
        scorers.remove(workspace, name)


def change(name: str) -> None:
    st.query_params["scorer"] = name


def form_key(name: str | None) -> str:
    """What the fields of a form are called by: each app has its own, and a scorer may be called `new`."""
    return f"{workspace.app.id}-{name}" if name else f"new-{workspace.app.id}"


def ask_settings(kind: str, settings: dict[str, Any], key: str) -> None:
    """The fields of one kind of scorer."""
    if kind == "length":
        left, right = st.columns(2)
        left.number_input(_("At least (characters)"), 0, 100_000, settings.get("shortest", 50), key=f"shortest-{key}")
        right.number_input(_("At most (characters)"), 1, 100_000, settings.get("longest", 500), key=f"longest-{key}")
    if kind == "mentions":
        known = ", ".join(f"{{{{{name}}}}}" for name in workspace.app.variables)
        st.text_input(
            _("Words"),
            settings.get("phrase", "{{company_name}}"),
            key=f"phrase-{key}",
            help=_("You may use the app's variables: {names}", names=known),
        )
    if kind == "guidelines":
        st.text_area(
            _("Guidelines, one per line"),
            "\n".join(settings.get("guidelines", [])),
            key=f"guidelines-{key}",
            placeholder=_("The answer must name a next step."),
        )


def read_settings(kind: str, key: str) -> dict[str, Any]:
    state = st.session_state
    if kind == "length":
        return {"shortest": int(state[f"shortest-{key}"]), "longest": int(state[f"longest-{key}"])}
    if kind == "mentions":
        return {"phrase": state[f"phrase-{key}"].strip()}
    lines = state[f"guidelines-{key}"].splitlines() if kind == "guidelines" else []
    return {"guidelines": [line.strip() for line in lines if line.strip()]} if kind == "guidelines" else {}


def show_form(spec: ScorerSpec | None) -> None:
    key = form_key(spec.name if spec else None)
    kinds = list(KIND)
    kind = st.selectbox(
        _("Kind"),
        kinds,
        index=kinds.index(spec.kind) if spec else 0,
        format_func=lambda one: _(KIND[one]),
        key=f"kind-{key}",
        disabled=spec is not None,
    )
    st.caption(_(HELP[kind]))
    if kind == "grounded" and workspace.settings.practice:
        st.warning(
            _(
                "The practice model answers here. By rules, it compares numbers and words of the answer with the documents; it does not understand them. Connect a real model to judge meaning."
            )
        )
    if kind == "guidelines" and workspace.settings.practice:
        st.warning(
            _(
                "The practice model answers here. It judges length, words, language, politeness and refusals only, and refuses everything else. Connect a real model to judge more."
            )
        )
    if spec is None:
        st.text_input(_("Name"), key=f"name-{key}", placeholder=_("names a next step"))
    ask_settings(kind, dict(spec.settings) if spec else {}, f"{key}-{kind}")
    args = (spec.name if spec else None, kind)
    st.button(_("Save scorer"), type="primary", key=f"save-{key}", on_click=save, args=args, disabled=not may_save)


def show(spec: ScorerSpec) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{session.escape(spec.name)}**")
            st.badge(_(KIND[spec.kind]), color="violet" if scorers.needs_judge(spec) else "blue")
            if scorers.needs_judge(spec) and workspace.settings.practice:
                st.badge(_("practice model"), color="orange")
            st.caption(_("version {n}", n=spec.version))
        st.markdown(session.escape(say(scorers.describe(spec))))
        with st.container(horizontal=True):
            st.button(_("Change"), key=f"change-{spec.name}", on_click=change, args=(spec.name,), disabled=not may_save)
            with st.popover(_("Remove"), disabled=not audit.allowed(workspace, Verb.REMOVE_SCORER)):
                st.write(_("New evaluations and releases no longer look at it. Earlier scores stay."))
                st.button(_("Remove it"), key=f"remove-{spec.name}", on_click=remove, args=(spec.name,))
        if st.query_params.get("scorer") == spec.name:
            show_form(spec)


def show_try(found: list[ScorerSpec]) -> None:
    answer = st.text_area(
        _("An answer"), key="try-answer", placeholder=_("Type or paste an answer to see what the rules say.")
    )
    if not answer:
        return
    for spec in found:
        if scorers.needs_judge(spec):
            st.caption(
                _("{name}: a language model decides; run an evaluation to see it.", name=session.escape(spec.name))
            )
            continue
        finding = scorers.try_out(workspace, spec, answer)
        light = ":green[:material/check_circle:]" if finding.passed else ":red[:material/cancel:]"
        st.markdown(f"{light} **{session.escape(spec.name)}** {session.escape(say(finding.reason))}")


workspace = session.workspace()
may_save = audit.allowed(workspace, Verb.SAVE_SCORER)
st.title(_("Scorers"), anchor=False)
st.caption(
    _(
        "Every scorer looks at every answer and says passed or failed, and why. The same scorers judge evaluations and live answers."
    )
)
found = scorers.all(workspace)
if not found:
    st.info(_("There are no scorers yet. Add the first one: what must every answer fulfil?"))
for one in found:
    show(one)
with st.expander(_("Add a scorer"), expanded=not found):
    show_form(None)
if found:
    with st.expander(_("Try the scorers on an answer")):
        show_try(found)

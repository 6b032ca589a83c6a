"""One scorer's form: its fields, what to know before it is saved, and saving."""

import streamlit as st

from pages.components import choices, feedback, session
from pages.components.scorers import fields, opening
from services import audit, scorers
from services.messages import Message
from services.scorers import forms, kinds
from services.scorers.entries import Entry
from services.scorers.records import ScorerSpec
from services.workspace import Workspace

_ = session.text
JUDGE_FIELDS = (
    ("{{ inputs }}", Message("the question")),
    ("{{ outputs }}", Message("the answer")),
    ("{{ expectations }}", Message("what the dataset's row expects")),
    ("{{ trace }}", Message("everything that happened; the model must be able to call tools")),
    ("{{ conversation }}", Message("the whole conversation")),
)


def key_of(workspace: Workspace, name: str | None, entry: Entry) -> str:
    """What the fields are called by: each app has its own, and a scorer may be called `new`."""
    return f"{workspace.app.id}-{entry.id}-{name}" if name else f"new-{workspace.app.id}-{entry.id}"


def show(workspace: Workspace, entry: Entry, spec: ScorerSpec | None) -> None:
    """The fields and the button that keeps them; `spec` is what is changed."""
    name = spec.name if spec else None
    key = key_of(workspace, name, entry)
    if entry.id == "judge":
        _show_judge_fields()
    _warn_of_practice(workspace, entry)
    if spec is None:
        field = f"name-{key}"
        typed_name = st.session_state.get(field, forms.free_name(workspace, entry))
        st.text_input(
            _("Name"),
            placeholder=_("names a next step"),
            max_chars=40,
            **choices.seed(field, typed_name, value=typed_name),
        )
    elif not entry.fields:
        st.caption(_("There is nothing to set for this scorer."))
        show_notes(spec)
        return
    fields.show(workspace, entry, forms.filled_in(spec) if spec else entry.settings, key)
    typed = typed_spec(workspace, entry, name)
    show_notes(typed)
    st.button(
        _("Save scorer"),
        type="primary",
        key=f"save-{key}",
        on_click=_save,
        args=(workspace, entry, name),
        disabled=not audit.allowed(workspace, forms.verb_of(typed)),
    )


def typed_spec(workspace: Workspace, entry: Entry, name: str | None) -> ScorerSpec:
    """What stands in the form now, under the name that it has or shall get."""
    key = key_of(workspace, name, entry)
    called = (name or str(st.session_state.get(f"name-{key}", ""))).strip()
    return ScorerSpec(called, entry.kind, fields.read(entry, key))


def show_notes(spec: ScorerSpec) -> None:
    """Where it can run, said before it is saved."""
    reason, remark = kinds.not_in_production(spec), kinds.remark(spec)
    if reason:
        st.info(_("It judges evaluations only. {reason}", reason=session.say(reason)), icon=":material/science:")
    elif remark:
        st.info(session.say(remark), icon=":material/info:")


def _save(workspace: Workspace, entry: Entry, name: str | None) -> None:
    """A click may overtake what was just typed, so the fields are read here."""
    spec = typed_spec(workspace, entry, name)
    with feedback.action(Message("Saved {name}. It scores from the next evaluation on.", name=spec.name)):
        if name is None and spec.name in {one.name for one in scorers.all(workspace)}:
            raise forms.taken(spec.name)
        kept = scorers.save(workspace, spec)
        opening.open_one(kept.name)


def _warn_of_practice(workspace: Workspace, entry: Entry) -> None:
    if not (workspace.settings.practice and entry.needs.judge):
        return
    if entry.id == "grounded":
        st.warning(
            _(
                "The practice model answers here. By rules, it compares numbers and words of the answer with the documents; it does not understand them. Connect a real model to judge meaning."
            )
        )
    elif entry.id in ("guidelines", "judge"):
        st.warning(
            _(
                "The practice model answers here. It judges length, words, language, politeness and refusals only, and refuses everything else. Connect a real model to judge more."
            )
        )
    else:
        st.warning(_("The practice model answers here, and it cannot judge this. Connect a real model first."))


def _show_judge_fields() -> None:
    lines = [f"`{name}` {session.escape(session.say(told))}" for name, told in JUDGE_FIELDS]
    # Not a caption: code in one is too faint to read.
    st.markdown(_("In the instructions, write what the judge is given:") + "  \n" + "  \n".join(lines))

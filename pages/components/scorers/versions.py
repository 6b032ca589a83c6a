"""Everything a scorer was: what one version changed in the one before."""

import streamlit as st

from pages.components import diff, session
from services import scorers
from services.messages import Message, mark
from services.prompts import Content
from services.scorers import catalogue, forms
from services.scorers.records import ScorerSpec
from services.workspace import Workspace

_ = session.text
YES, NO = mark("yes"), mark("no")


def show(workspace: Workspace, spec: ScorerSpec) -> None:
    made = scorers.versions(workspace, spec.name)
    if len(made) == 1:
        st.info(_("This is its first version. A change makes the next one; earlier evaluations keep theirs."))
        return
    numbers = [one.version for one in made]
    left, right = st.columns(2)
    old = left.selectbox(_("Compare"), numbers[:-1], len(numbers) - 2, format_func=_named, key=f"old-{spec.name}")
    later = [one for one in numbers if one > old]
    new = right.selectbox(_("with"), later, len(later) - 1, format_func=_named, key=f"new-{spec.name}")
    texts = {one.version: Content(text(one)) for one in made}
    diff.show(texts[old], texts[new], (_named(old), _named(new)))


def text(spec: ScorerSpec) -> str:
    """The settings as the form asks for them, one after the other."""
    entry = catalogue.of(spec)
    filled = forms.filled_in(spec)
    lines = [f"{_(entry.title)}"]
    for field in entry.fields:
        value = filled[field.name]
        options = field.options or {}
        if isinstance(value, bool):
            told = _(YES) if value else _(NO)
        elif isinstance(value, list | tuple):
            told = "\n".join(_(options[one]) if one in options else _plain(one) for one in value)
        else:
            told = _(options[value]) if value in options else str(value)
        lines.append(f"{_(field.label)}:\n{told or '–'}")
    return "\n\n".join(lines)


def _plain(one: object) -> str:
    return " · ".join(str(part) for part in one.values()) if isinstance(one, dict) else str(one)


def _named(number: int) -> str:
    return session.say(Message("version {n}", n=number))

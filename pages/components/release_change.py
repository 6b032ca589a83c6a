"""What a release changes in the prompt, word by word, and what its evaluation says of it: what who approves looks at."""

import streamlit as st

from pages.components import diff, feedback, session, verdict_view
from services import prompts
from services.errors import ConsoleError
from services.prompts.comparison import compare
from services.releases import Release
from services.verdicts import Verdict
from services.workspace import Workspace

_ = session.text


def show(workspace: Workspace, release: Release) -> None:
    """Both are folded, and read when they are opened; the verdict's word stands outside."""
    _show_difference(workspace, release)
    _show_verdict(release)


def _show_difference(workspace: Workspace, release: Release) -> None:
    """Nothing where the prompt stays, or where none was asked before or is asked after it."""
    old, new = release.before.prompt_version, release.after.prompt_version
    if None in (old, new) or old == new:
        return
    folded = st.expander(
        _("The prompt, word by word"), icon=":material/difference:", key=f"change-{release.id}", on_change="rerun"
    )
    if not folded.open:
        return
    with folded:
        try:
            sides = [prompts.version(workspace, release.prompt_name, int(number or 0)) for number in (old, new)]
        except ConsoleError as error:
            feedback.show_error(error)
            return
        before, after = sides
        names = (_("Before: version {n}", n=old), _("After: version {n}", n=new))
        found, notes = compare(before.content, after.content), (before.note, after.note)
        st.html(diff.markup(found, names, notes, beside=True, changes_only=True))
        st.page_link(
            session.page("playground"),
            label=_("Try both in the playground"),
            icon=":material/science:",
            query_params={"prompt": release.prompt_name, "versions": f"{old},{new}"},
        )


def _show_verdict(release: Release) -> None:
    """Nothing for a release that was not evaluated, or that nobody judges."""
    if not release.evaluation:
        return
    stored, baseline = release.basis.get("verdict"), release.basis.get("baseline")
    verdict = Verdict.from_json(stored) if stored else None
    title = _("Verdict: {word}", word=_(verdict_view.WORD[verdict.word])) if verdict else _("Evaluation")
    with st.expander(title, icon=":material/balance:", key=f"verdict-{release.id}"):
        if verdict is None:
            st.write(_("There was nothing to compare its evaluation with."))
        else:
            verdict_view.show(verdict, f"release-{release.id}-verdict")
        st.page_link(
            session.page("evaluations"),
            label=_("Open the evaluation"),
            icon=":material/checklist:",
            query_params={"run": release.evaluation} | ({"against": baseline} if baseline else {}),
        )

"""From a proven release to staging or development to the proposal for the next environment."""

import streamlit as st

from pages.components import environments, release_pairs, session
from services import apps, audit, releases
from services.apps import Stage
from services.audit import Verb
from services.releases import Release, State
from services.workspace import Workspace

_ = session.text


def show(workspace: Workspace, release: Release) -> None:
    """What would be replaced there, and the button that opens its proposal; nothing for a release to production."""
    if release.state is not State.LIVE or release.proof is None:
        return
    for target in _further(workspace, release.stage):
        now, stage = releases.live(target).pair, target.app.environment.stage
        there = (now.model_id, now.prompt_version) == (release.after.model_id, release.after.prompt_version)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                _("Promote to {stage}", stage=_(apps.TITLE[stage])),
                icon=":material/upgrade:",
                key=f"promote-{stage}",
                type="primary" if stage is Stage.PRODUCTION else "secondary",
                on_click=environments.open_at,
                args=(stage,),
                kwargs={"agent": str(release.after.model_id), "prompt": str(release.after.prompt_version or "")},
                disabled=there or not audit.allowed(workspace, Verb.PROPOSE_RELEASE),
            )
            st.caption(_("It answers there already.") if there else _told(target))


def _further(workspace: Workspace, stage: Stage) -> list[Workspace]:
    """The environments after this one, in their order."""
    return [one for one in apps.everywhere(workspace) if _order(one.app.environment.stage) > _order(stage)]


def _order(stage: Stage) -> int:
    return list(Stage).index(stage)


def _told(target: Workspace) -> str:
    now = releases.live(target).pair
    if now.model_id is None:
        return _("Opens the proposal, filled in. Nothing answers there yet, so nothing is replaced.")
    return _("Opens the proposal, filled in. It would replace {pair}.", pair=release_pairs.told(now))

"""What is served, in which state, and a talk with it."""

import streamlit as st

from pages.components import chat, emergency, environments, screens, served_environment, session, shutting_down
from services import endpoints, releases
from services.messages import mark
from services.platforms import Endpoint, Served, ServedState, Target

_, say = session.text, session.say

STATE = {
    ServedState.STARTING: mark("starting"),
    ServedState.READY: mark("ready"),
    ServedState.FAILED: mark("failed"),
    ServedState.STOPPED: mark("stopped"),
}
COLOUR = {ServedState.READY: "green", ServedState.FAILED: "red", ServedState.STARTING: "blue"}


def show_version(version: Served, offline: bool) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            state = f":{COLOUR.get(version.state, 'gray')}-badge[{_(STATE[version.state])}]"
            st.markdown(f"**{_('Agent version {n}', n=version.version)}** {state}")
        st.markdown(session.escape(say(endpoints.describe(version, offline))))
        st.caption(" · ".join(facts(version)))


def facts(version: Served) -> list[str]:
    told = [] if version.ready else [_("{n} % of the traffic", n=version.weight)]
    if version.ready and version.ready_at:
        told.append(_("ready since {time}", time=session.moment(version.ready_at)))
    if version.ready and version.seconds_to_ready:
        told.append(_("took {n} s to start", n=f"{version.seconds_to_ready:.1f}"))
    if version.ready_at or version.asked_at:  # a platform that does not tell the one does not tell the other
        asked = session.moment(version.asked_at) if version.asked_at else _("never")
        told.append(_("last asked: {time}", time=asked))
    return [*told, _("model id: {id}", id=version.model_id)]


def show_address(endpoint: Endpoint, as_apps: bool) -> None:
    question = '{"input": [{"role": "user", "content": "Hello"}]}'
    if endpoint.page:
        with st.expander(_("Ask it from another program"), icon=":material/code:"):
            if as_apps:
                st.markdown(
                    _(
                        "Whoever has “Can use” on the app can ask this address, with an OAuth token (`databricks auth token` prints "
                        "one). A personal access token is refused."
                    )
                )
            else:
                st.markdown(_("Whoever may query the endpoint can ask this address, with a token of the workspace."))
            key = '-H "Authorization: Bearer $DATABRICKS_TOKEN"'
            st.code(
                f"curl {endpoint.url} {key} -H 'content-type: application/json' -d '{question}'",
                language=None,
                wrap_lines=True,
            )
        return
    with st.expander(_("Ask it from another program on this machine"), icon=":material/code:"):
        st.markdown(_("Any client of OpenAI's Responses API can ask this address; the model's name does not matter."))
        st.code(endpoint.url, language=None)
        st.code(
            f"curl {endpoint.url}/responses -H 'content-type: application/json' -d '{question}'",
            language=None,
            wrap_lines=True,
        )


workspace = session.workspace()
screens.show_title("endpoints")
workspace, choice = environments.chosen(workspace), st.container()
trouble = endpoints.trouble(workspace)
if trouble:
    st.warning(session.escape(say(trouble)))
current = endpoints.current(workspace)
if current is None:
    with choice:
        environments.show(workspace)
    if not shutting_down.show(workspace) and not shutting_down.show_ended(workspace):
        st.info(
            _("Nothing is deployed yet. A release starts an agent version here and gives it traffic once it is proven.")
        )
    st.page_link(session.page("releases"), label=_("Open Releases"), icon=":material/train:")
    st.stop()
emergency.show(workspace)
with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
    st.header(current.name, anchor=False, width="content")
    if current.page:
        st.link_button(_("Open in Databricks"), current.page, icon=":material/open_in_new:", type="tertiary")
    emergency.show_stop(workspace)
with choice:
    environments.show(workspace)
live = releases.live(workspace)
if not shutting_down.show(workspace):
    shutting_down.show_button(workspace, live)
pair = live.pair
if pair.prompt_version:
    st.markdown(
        _(
            "It answers with prompt version {prompt} and agent version {agent}.",
            prompt=pair.prompt_version,
            agent=pair.agent_version or "–",
        )
    )
elif pair.model_id:
    st.markdown(_("It answers with agent version {agent}, which asks no prompt.", agent=pair.agent_version or "–"))


def starting(endpoint: Endpoint | None) -> bool:
    return endpoint is not None and any(one.state is ServedState.STARTING for one in endpoint.versions)


@st.fragment(run_every=1.0 if starting(current) else 10.0)
def follow() -> None:
    now = endpoints.current(workspace)
    if starting(current) and not starting(now):
        st.rerun()
    offline = releases.offline.state(workspace) is not None
    for version in now.versions if now else ():
        show_version(version, offline)


follow()
served_environment.show(workspace)
show_address(current, workspace.app.environment.target is Target.APP)
st.header(_("Talk with it"), anchor=False)
if workspace.settings.practice:
    st.caption(_("The practice model answers here, not a real language model."))
if current.live:
    if workspace.app.environment.live:
        st.caption(_("What you ask counts as live traffic and is judged like everyone's."))
    else:
        st.caption(_("What you ask here counts in no number of production, and no production scorer judges it."))
    chat.show(workspace)
elif any(one.weight for one in current.versions):
    st.warning(_("The version that has the traffic does not answer now. Its line above says why."))
else:
    st.info(_("No version takes traffic yet. Run a release: it moves the traffic once the smoke test has passed."))

"""The app's environments: where versions stand before customers meet them, and what each decides about the agent."""

import streamlit as st

from pages.components import approval_form, feedback, session
from services import apps, audit
from services.apps import Environment, Stage
from services.audit import Verb
from services.messages import Message, mark
from services.platforms import Target
from services.workspace import Workspace

_ = session.text
TOLD = {
    Stage.DEVELOPMENT: mark(
        "Where authors try a version on a real endpoint. The prompt alias is “candidate”; leave the endpoint empty if the "
        "app needs no such place."
    ),
    Stage.STAGING: mark(
        "Where a version proves itself as it will run in production, without customers. The prompt alias is “staging”; "
        "leave the endpoint empty if the app needs no such place."
    ),
    Stage.PRODUCTION: mark("Where customers are answered. It is always there, and the prompt alias is “production”."),
}

SERVED_AS = {
    Target.AGENT: mark("As an agent of the workspace"),
    Target.CPU: mark("As a model on a CPU"),
    Target.APP: mark("As apps of the workspace"),
}
MEANS = {
    Target.AGENT: mark(
        "The usual way: the workspace lists it among its agents and keeps what is asked and answered in a table."
    ),
    Target.CPU: mark(
        "For workspaces that do not let agents be deployed: the same endpoint, traffic and traces, without that list and table."
    ),
    Target.APP: mark(
        "What Databricks recommends for new agents: one app answers, a second one runs what is tested. No canary, no A/B test; "
        "the address is another one, and while a version takes the other's place, nobody is answered for some seconds."
    ),
}


def show(workspace: Workspace) -> None:
    """One environment at a time; what is saved counts from its next deployment on."""
    there, asked = apps.environments_of(workspace), st.query_params.get("environment")
    stage = st.radio(
        _("Environment"),
        list(Stage),
        index=list(Stage).index(Stage(asked) if asked in set(Stage) else Stage.PRODUCTION),
        horizontal=True,
        format_func=lambda one: _(apps.TITLE[one]) if one in there else f"{_(apps.TITLE[one])} · {_('not used')}",
        key=f"environment-stage/{workspace.app.id}",
    )
    assert stage is not None  # one of the three is always chosen
    now = there.get(stage, Environment(stage))
    st.write(_(TOLD[stage]))
    _show_fields(workspace, now)
    if stage is Stage.PRODUCTION:
        _show_staging_first(workspace, there)
    elif stage in there:
        st.divider()
        approval_form.show(apps.at(workspace, stage))


def _show_fields(workspace: Workspace, now: Environment) -> None:
    may = audit.allowed(workspace, Verb.UPDATE_APP)
    left, right = st.columns(2)
    left.text_input(
        _("Endpoint name"),
        now.endpoint,
        key=_key(workspace, now, "endpoint"),
        placeholder=f"{workspace.app.endpoint}-{now.stage}",
        disabled=not may or now.live,
        help=_("The endpoint of production stands on the Settings tab.") if now.live else None,
    )
    if workspace.settings.databricks is not None:
        right.text_input(
            _("Catalog and schema of the registered agent"),
            now.schema,
            key=_key(workspace, now, "schema"),
            placeholder="staging.llmops",
            disabled=not may,
            help=_(
                "Empty: that of the connection. Prompts stay where they are; their alias tells the environments apart."
            ),
        )
    _show_target(workspace, now, may)
    if not now.live:
        st.checkbox(
            _("An evaluation must reach the gate before a release starts here"),
            now.judged,
            key=_key(workspace, now, "judged"),
            disabled=not may,
            help=_("Without it, every release here says what was skipped. Production always asks for it."),
        )
    st.markdown(f"**{_('Settings of the agent that are different here')}**")
    config = _table(workspace, now, "config", dict(now.config), may)
    st.markdown(f"**{_('Environment variables')}**")
    variables = _table(workspace, now, "variables", dict(now.variables), may)
    st.caption(
        _("It counts from the next deployment on; the interlocks check the names. Never write an access key here.")
    )
    st.button(
        _("Save the environment"),
        type="primary",
        key="save-environment",
        on_click=_save,
        args=(workspace, now, config, variables),
        disabled=not may,
    )


def _show_target(workspace: Workspace, now: Environment, may: bool) -> None:
    """Only where the platform offers more than one way."""
    targets = workspace.platform.serving.rules.targets
    if len(targets) > 1:
        st.radio(
            _("How agent versions are served"),
            targets,
            index=targets.index(now.target),
            format_func=lambda one: _(SERVED_AS[one]),
            captions=[_(MEANS[one]) for one in targets],
            key=_key(workspace, now, "target"),
            disabled=not may,
            help=_(
                "An endpoint that stands already stays as it was made. Apps have an address of their own: an endpoint goes on "
                "answering at the old one until you delete it in Databricks."
            ),
        )


def _show_staging_first(workspace: Workspace, there: dict[Stage, Environment]) -> None:
    st.divider()
    key = f"staging-first/{workspace.app.id}"
    st.session_state[key] = apps.staging_first(workspace)
    st.toggle(
        _("What goes to production must be proven in staging first"),
        key=key,
        on_change=_save_staging_first,
        args=(workspace, key),
        disabled=Stage.STAGING not in there or not audit.allowed(workspace, Verb.SAVE_APPROVAL_RULE),
        help=_("A release to staging of exactly the same agent version and prompt version, with its proof."),
    )
    if Stage.STAGING not in there:
        st.caption(_("Give the app a staging environment before you ask for it."))


def _table(
    workspace: Workspace, environment: Environment, name: str, values: dict[str, str], may: bool
) -> list[dict[str, str | None]]:
    rows: list[dict[str, str | None]] = [{"name": key, "value": value} for key, value in values.items()]
    # An empty list would leave the table without its columns.
    edited: list[dict[str, str | None]] = st.data_editor(
        rows or [{"name": "", "value": ""}],
        num_rows="dynamic",
        placeholder="",
        disabled=not may,
        key=_key(workspace, environment, name),
        column_config={
            "name": st.column_config.TextColumn(_("Name")),
            "value": st.column_config.TextColumn(_("Value")),
        },
    )
    return edited


def _save(workspace: Workspace, seen: Environment, *tables: list[dict[str, str | None]]) -> None:
    config, variables = (
        {str(row["name"]).strip(): row["value"] or "" for row in rows if row["name"]} for rows in tables
    )
    given = {name: st.session_state.get(_key(workspace, seen, name)) for name in ("endpoint", "schema", "judged")}
    wanted = Environment(
        seen.stage,
        str(given["endpoint"] or "").strip(),
        config,
        variables,
        str(given["schema"] or "").strip(),
        judged=seen.live or bool(given["judged"]),
        target=st.session_state.get(_key(workspace, seen, "target")) or seen.target,
    )
    with feedback.action(Message("Saved the environment. It counts from the next deployment on.")):
        apps.save_environment(workspace, wanted, seen if seen.endpoint else None)


def _save_staging_first(workspace: Workspace, key: str) -> None:
    wanted = bool(st.session_state[key])
    done = (
        Message("From now on, what goes to production must be proven in staging first.")
        if wanted
        else Message("Releases may go to production without staging again.")
    )
    with feedback.action(done):
        apps.save_staging_first(workspace, wanted)


def _key(workspace: Workspace, environment: Environment, name: str) -> str:
    return f"environment-{name}/{workspace.app.id}/{environment.stage}"

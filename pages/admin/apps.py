"""Create, adopt, adjust, switch and archive apps."""

from dataclasses import replace
from zoneinfo import available_timezones

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.components import (
    approval_form,
    canary_form,
    currency_form,
    environment_form,
    feedback,
    freeze_form,
    gate_form,
    places_form,
    session,
    views,
    webhook_form,
)
from services import apps, audit
from services.apps import App, AppForm
from services.audit import Verb
from services.messages import Message, mark

_ = session.text
ZONES = sorted(available_timezones())
FIELDS = ("id", "name", "company", "model", "endpoint", "smoke", "cache", "zone", "currency", "rate")


# A click may overtake what was just typed: the fields are read in the callbacks, not taken from the last run.


def create(key: str, constants: dict[str, str]) -> None:
    form, experiment_id = filled(key, constants), st.session_state[f"{key}-adopt"]
    st.session_state[f"{key}-tried"] = True
    # A second click cuts the callback of the first off wherever it touches the session: its app is there already.
    made = next((app for app in apps.all(workspace) if apps.form_of(app) == replace(form, gate=app.gate)), None)
    if made is None and apps.problems_of_new(workspace, form):
        return
    with feedback.action(Message("Created {name}. It is chosen now.", name=form.name)):
        if made is None:
            made = apps.adopt(workspace, form, experiment_id) if experiment_id else apps.create(workspace, form)
        session.choose_app(made.id)
        st.session_state["apps-created"] = created() + 1


def created() -> int:
    """How many apps this session has created: each begins with an empty form."""
    return int(st.session_state.get("apps-created", 0))


def save(key: str, constants: dict[str, str]) -> None:
    form = filled(key, constants)
    st.session_state[f"{key}-tried"] = True
    if apps.problems(form):
        return
    with feedback.action(Message("Saved the settings of {name}.", name=form.name)):
        apps.save(workspace, form)


def archive(app: App, archived: bool) -> None:
    done = (
        Message("Archived {name}. Nothing was deleted.", name=app.name)
        if archived
        else Message("Brought {name} back.", name=app.name)
    )
    with feedback.action(done):
        apps.archive(workspace.for_app(app), archived)


def show_fields(key: str, form: AppForm, experiment_id: str | None, *, new: bool) -> dict[str, str]:
    """The app's form; returns the prompt variables, which only the table itself knows.

    Of an experiment that exists it is asked where its traces hold the question and the answer.
    """
    left, right = st.columns(2)
    with left:
        st.text_input(_("Name"), form.name, key=f"{key}-name", placeholder=_("Customer support"))
        name = st.empty()
        st.text_input(
            _("Short name"),
            form.id,
            key=f"{key}-id",
            disabled=not new,
            help=_("Used in addresses and for the registered model; small letters, digits, hyphens."),
        )
        id = st.empty()
        st.text_input(
            _("Company"),
            form.company,
            key=f"{key}-company",
            help=_("Fills {variable} in prompts.", variable="{{company_name}}"),
        )
        st.text_input(_("Model"), form.model, key=f"{key}-model")
    with right:
        st.text_input(
            _("Endpoint name"),
            form.endpoint,
            key=f"{key}-endpoint",
            placeholder=st.session_state[f"{key}-id"] or "customer-support",
            help=_("Part of the address at which programs ask the agent. Left empty, it is the short name."),
        )
        endpoint = st.empty()
        st.selectbox(
            _("Time zone"),
            ZONES,
            index=ZONES.index(form.time_zone) if form.time_zone in ZONES else None,
            key=f"{key}-zone",
            help=_("Monitoring counts days in it. Type a city to find its zone."),
        )
        zone = st.empty()
        currency = currency_form.show(key, form)
        st.number_input(
            _("Seconds until a moved prompt answers everywhere"),
            0,
            3600,
            form.prompt_cache_seconds,
            key=f"{key}-cache",
            help=_("The agent keeps a prompt this long before it looks for a newer one."),
        )
        st.text_area(
            _("Smoke questions, one per line"),
            "\n".join(form.smoke_questions),
            key=f"{key}-smoke",
            help=_("Asked of every new version before it gets traffic, and for the proof."),
        )
    st.caption(_("Prompt variables with a fixed value"))
    table = st.data_editor(
        pd.DataFrame(sorted(form.constants.items()), columns=["name", "value"], dtype=str),
        num_rows="dynamic",
        hide_index=True,
        placeholder="",
        key=f"{key}-constants",
        column_config={
            "name": st.column_config.TextColumn(_("Variable")),
            "value": st.column_config.TextColumn(_("Value")),
        },
    )
    kept = table.dropna().itertuples(index=False)
    constants = {str(row.name).strip(): str(row.value) for row in kept if str(row.name).strip()}
    places = {"name": name, "id": id, "endpoint": endpoint, "zone": zone, "currency": currency, "constants": st.empty()}
    if experiment_id:
        places |= places_form.show(workspace, key, form, experiment_id)
    show_problems(key, constants, places, new=new)
    return constants


def show_problems(key: str, constants: dict[str, str], places: dict[str, DeltaGenerator], *, new: bool) -> None:
    """After a first try, each field says under itself what is wrong with it, until it is mended."""
    if not st.session_state.get(f"{key}-tried"):
        return
    form = filled(key, constants)
    found = apps.problems_of_new(workspace, form) if new else apps.problems(form)
    for field, problem in found.items():
        with places[field]:
            feedback.show_error(problem)
    if found:
        st.error(_("Nothing was saved. Mend what is marked above, then try again."), icon=":material/error:")


def filled(key: str, constants: dict[str, str]) -> AppForm:
    """What stands in the form now."""
    value = {name: st.session_state[f"{key}-{name}"] for name in FIELDS}
    form = AppForm(
        id=value["id"].strip(),
        name=value["name"].strip(),
        company=value["company"].strip(),
        model=value["model"].strip(),
        endpoint=value["endpoint"].strip() or value["id"].strip(),
        constants=constants,
        smoke_questions=tuple(line.strip() for line in value["smoke"].splitlines() if line.strip()),
        prompt_cache_seconds=int(value["cache"]),
        time_zone=value["zone"] or "",
        currency=value["currency"] or "",
        currency_rate=float(value["rate"] or 0),
    )
    return places_form.filled(key, form)


def show_settings() -> None:
    key = f"edit-{workspace.app.id}"
    constants = show_fields(key, apps.form_of(workspace.app), workspace.app.experiment_id, new=False)
    with st.container(horizontal=True):
        st.button(
            _("Save settings"),
            type="primary",
            key="save-app",
            on_click=save,
            args=(key, constants),
            disabled=not audit.allowed(workspace, Verb.UPDATE_APP),
        )
        with st.popover(_("Archive this app"), disabled=not audit.allowed(workspace, Verb.ARCHIVE_APP)):
            st.write(_("It leaves the lists; its prompts, traces and releases stay in MLflow. You can bring it back."))
            st.button(_("Archive"), key="archive", on_click=archive, args=(workspace.app, True))


def show_new() -> None:
    experiments = {one.id: one.name for one in apps.unused_experiments(workspace)}
    key = f"new-{created()}"
    st.selectbox(
        _("MLflow experiment"),
        [None, *experiments],
        key=f"{key}-adopt",
        format_func=lambda id: experiments[id] if id else _("Make a new one"),
        help=_("Choose one that exists already to see its traces and evaluations here."),
    )
    empty = AppForm(id="", name="", company="", model=workspace.settings.model, endpoint="")
    constants = show_fields(key, empty, st.session_state[f"{key}-adopt"], new=True)
    st.button(
        _("Create app"),
        type="primary",
        key="create-app",
        on_click=create,
        args=(key, constants),
        disabled=not audit.allowed(workspace, Verb.CREATE_APP),
    )


def show_archived() -> None:
    archived = apps.all(workspace, archived=True)
    if not archived:
        st.info(_("No app is archived."))
    for app in archived:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{session.escape(app.name)}**")
            st.button(_("Bring back"), key=f"restore-{app.id}", on_click=archive, args=(app, False))


def show_approval() -> None:
    approval_form.show(workspace)
    freeze_form.show(workspace)
    webhook_form.show(workspace)


workspace = session.workspace()
st.title(_("Apps"), anchor=False)
OF_AN_APP = {
    "settings": (mark("Settings"), show_settings),
    "gate": (mark("Gate"), lambda: gate_form.show(workspace)),
    "approval": (mark("Approval"), show_approval),
    "canary": (mark("Canary"), lambda: canary_form.show(workspace)),
    "environments": (mark("Environments"), lambda: environment_form.show(workspace)),
}
OF_ALL = {"new": (mark("New app"), show_new), "archived": (mark("Archived"), show_archived)}
if workspace.app.id:
    name = session.escape(workspace.app.name)
    st.caption(_("Everything on the other screens belongs to the app chosen in the side bar: {name}.", name=name))
    views.show(OF_AN_APP | OF_ALL, f"apps-view/{workspace.app.id}")
else:
    st.info(_("There is no app yet. Create the first one."))
    views.show(OF_ALL, "apps-view/")

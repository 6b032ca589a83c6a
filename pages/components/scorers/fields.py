"""The form of any scorer, drawn from the fields of its catalogue entry."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from pages.components import session
from services.scorers.entries import NAMED, Entry, Field
from services.scorers.json_form import TYPES
from services.workspace import Workspace

_ = session.text
MOST = 1_000_000
HIGH = {"instructions": 220, "source": 360, "schema": 160}


def show(workspace: Workspace, entry: Entry, filled: Mapping[str, Any], key: str) -> None:
    """Draw the fields, filled in."""
    shown = [one for one in entry.fields if _is_asked(one, filled, key)]
    numbers = [one for one in shown if one.shape == "number"]
    beside: Iterator[Any] = iter(())
    for one in shown:
        if numbers and one is numbers[0]:
            beside = iter(st.columns(len(numbers)))
        place = next(beside) if one.shape == "number" else st
        _draw(place, one, filled[one.name], f"{one.name}-{key}")
    if any(one.shape in ("lines", "text", "code") for one in shown) and entry.kind != "code":
        known = ", ".join(f"{{{{{name}}}}}" for name in workspace.app.variables)
        st.caption(session.escape(_("You may use the app's variables: {names}", names=known)))


def read(entry: Entry, key: str) -> dict[str, Any]:
    """What stands in the fields now; a field that is not asked keeps its usual value."""
    named = {"scorer": entry.id} if entry.kind in NAMED else {}
    return named | {one.name: _read(one, f"{one.name}-{key}") for one in entry.fields}


def _is_asked(field: Field, filled: Mapping[str, Any], key: str) -> bool:
    if field.when is None:
        return True
    other, value = field.when
    return bool(st.session_state.get(f"{other}-{key}", filled[other]) == value)


def _draw(place: Any, field: Field, value: Any, key: str) -> None:
    label, hint = _(field.label), _(field.help) if field.help else None
    if field.shape == "number":
        place.number_input(label, -MOST, MOST, int(value), key=key)
    elif field.shape == "fraction":
        place.number_input(label, 0.0, 1.0, float(value), 0.05, key=key, help=hint, width=240)
    elif field.shape == "text":
        place.text_input(label, value, key=key, placeholder=hint)
    elif field.shape == "lines":
        place.text_area(label, "\n".join(value), key=key, placeholder=hint)
    elif field.shape == "code":
        place.text_area(label, value, key=key, height=HIGH.get(field.name, 160), placeholder=hint)
    elif field.shape == "switch":
        place.toggle(label, bool(value), key=key)
    elif field.shape == "table":
        _draw_table(label, value, key)
    else:
        _draw_choice(field, value, key)


def _draw_choice(field: Field, value: Any, key: str) -> None:
    options = dict(field.options or {})

    def named(one: str) -> str:
        return _(options[one])

    if field.shape == "choices":
        st.multiselect(
            _(field.label), list(options), list(value), format_func=named, key=key, placeholder=_("Choose one or more")
        )
    else:
        st.radio(_(field.label), list(options), list(options).index(value), format_func=named, key=key, horizontal=True)


def _draw_table(label: str, value: Any, key: str) -> None:
    """Names and types of JSON fields; what was typed is kept beside the grid, whose own state holds changes only."""
    st.markdown(label)
    known = {_(name): type for type, name in TYPES.items()}
    names = {type: name for name, type in known.items()}
    lines = [{"name": one["name"], "type": names[one["type"]], "required": one["required"]} for one in value]
    typed = st.data_editor(
        pd.DataFrame(lines, columns=["name", "type", "required"]).astype(
            {"name": "str", "type": "str", "required": "bool"}
        ),
        key=f"grid-{key}",
        num_rows="dynamic",
        hide_index=True,
        placeholder="",
        column_config={
            "name": st.column_config.TextColumn(_("Field"), required=True),
            "type": st.column_config.SelectboxColumn(
                _("Kind of value"), options=list(known), default=names["string"], required=True
            ),
            "required": st.column_config.CheckboxColumn(_("Must be there"), default=True),
        },
    )
    st.session_state[key] = [
        {"name": str(one["name"]).strip(), "type": known[one["type"]], "required": bool(one["required"])}
        for one in typed.to_dict("records")
        if one["name"] and one["type"] in known
    ]


def _read(field: Field, key: str) -> Any:
    value = st.session_state.get(key, field.default)
    if field.shape == "lines" and isinstance(value, str):
        return [line.strip() for line in value.splitlines() if line.strip()]
    if field.shape == "number":
        return int(value)
    if field.shape == "text":
        return str(value).strip()
    return list(value) if isinstance(value, tuple) else value

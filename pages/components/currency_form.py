"""In what an app's costs are shown."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.components import session
from services import money
from services.apps import AppForm

_ = session.text


def show(key: str, form: AppForm) -> DeltaGenerator:
    """The currency and its rate; returns the place for what is wrong with them."""
    codes = money.known()
    left, right = st.columns(2, vertical_alignment="bottom")
    left.selectbox(
        _("Currency of costs"),
        codes,
        index=codes.index(form.currency) if form.currency in codes else None,
        format_func=lambda code: money.name(code, session.language()),
        key=f"{key}-currency",
    )
    right.number_input(
        _("One US dollar in it"),
        0.0,
        None,
        float(form.currency_rate),
        format="%g",
        key=f"{key}-rate",
        help=_(
            "MLflow's price list is in US dollars. Every cost of this app, also of the past, is shown at this rate; limits "
            "of the gate and of alerts keep their worth in US dollars."
        ),
    )
    return st.empty()

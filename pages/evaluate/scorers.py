"""Say what makes an answer good: rules, judges and own code that score every answer."""

import streamlit as st

from pages.components import session
from pages.components.scorers import choosing, listing, one

_ = session.text

workspace = session.workspace()
st.title(_("Scorers"), anchor=False)
name, adding = st.query_params.get("scorer"), st.query_params.get("add")
if name:
    one.show(workspace, name)
elif adding:
    choosing.show(workspace, adding)
else:
    st.caption(
        _(
            "A scorer looks at every answer and says passed or failed, or gives a number, and why. The same scorers judge evaluations and live answers."
        )
    )
    listing.show(workspace)

"""Let people judge answers: queues, one answer after the other, and what was found."""

import streamlit as st

from pages.components import screens, session
from pages.components.reviews import address, desk, found, labeling, listing, making, words
from services import reviews

_ = session.text
workspace = session.workspace()
number = session.number(address.QUEUE)
if number is None:
    screens.show_title("reviews")
    if address.NEW in st.query_params:
        making.show(workspace)
    elif address.SESSION in st.query_params and workspace.settings.databricks is not None:
        labeling.show(workspace, st.query_params[address.SESSION])
    else:
        listing.show(workspace)
    st.stop()
queue = reviews.get(workspace, number)
st.title(session.escape(queue.name), anchor=False)
st.caption(session.escape(words.rule(queue.rule)))
if st.query_params.get(address.VIEW) == address.FOUND:
    found.show(workspace, queue)
else:
    desk.show(workspace, queue)

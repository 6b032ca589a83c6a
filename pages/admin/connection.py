"""What the console is connected to, whether each part works, and where it keeps things."""

import pandas as pd
import streamlit as st

from pages.components import lights, place_form, screens, session
from services import connection

_ = session.text
EXAMPLE = """SIGNALBOX_PLATFORM=databricks
DATABRICKS_HOST=https://my-workspace.cloud.databricks.com
DATABRICKS_TOKEN=…"""


def show_storages() -> None:
    st.header(_("Where traces can be kept"), anchor=False)
    rows = [(_(one.name), _(one.good_for), _(one.delay), _(one.limit)) for one in connection.STORAGES]
    columns = [_("Place"), _("Good for"), _("Seen after"), _("Limits")]
    st.table(pd.DataFrame(rows, columns=columns).set_index(columns[0]))


def show_way_to_databricks() -> None:
    st.header(_("Connect a Databricks workspace"), anchor=False)
    st.write(_("An engineer puts these lines into a file named .env in the folder the console is started from, and starts it again:"))  # fmt: skip
    st.code(EXAMPLE, language=None)
    st.caption(_("Keys are read from there only: this screen neither takes nor shows them. docs/databricks.md tells every other way to sign in."))  # fmt: skip


workspace = session.workspace()
screens.show_title("connection")
embedded = workspace.settings.databricks is None
st.write(_("Everything runs on this machine.") if embedded else _("The console works on a Databricks workspace."))
look = lights.look(workspace)
lights.show(look.report.lines)
with st.container(horizontal=True, vertical_alignment="center"):
    st.button(_("Check again"), key="check-again", icon=":material/refresh:", on_click=lights.ask_again)
    st.caption(_("Checked {time}", time=session.moment(look.report.at)))
if embedded:
    show_way_to_databricks()
else:
    st.header(_("Where things are kept"), anchor=False)
    place_form.show(workspace, look.offered)
    show_storages()
    st.caption(_("Another workspace is another start of the console: change the environment, then start it again."))

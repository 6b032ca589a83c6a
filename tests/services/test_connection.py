"""What the console is connected to, and where it keeps things."""

from dataclasses import replace

import pytest

from services import audit, connection
from services.connection import Place
from services.errors import NotReadyError


def test_a_chosen_place_is_kept_and_audited(bare_workspace):
    with pytest.raises(NotReadyError, match="catalog"):
        connection.chosen_place(bare_workspace)
    connection.save_place(bare_workspace, Place(catalog="acme", schema="llmops"))
    assert connection.chosen_place(bare_workspace).full_schema == "acme.llmops"
    assert audit.events(bare_workspace)[0].after["catalog"] == "acme"


def test_what_the_environment_decides_stays(bare_workspace):
    decided = replace(bare_workspace.settings, place=Place(catalog="main"))
    workspace = replace(bare_workspace, platform=replace(bare_workspace.platform, settings=decided))
    connection.save_place(workspace, Place(catalog="other", schema="llmops"))
    assert connection.place(workspace) == Place(catalog="main", schema="llmops")
    assert connection.place(workspace).experiments == "/Shared/signalbox"

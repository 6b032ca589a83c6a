"""A password of the console's database on Lakebase: asked for anew by every connection, of both kinds of Lakebase."""

import pytest

from services import database
from services.errors import ConsoleError
from services.platforms.databricks import lakebase

ENDPOINT = "projects/signalbox/branches/production/endpoints/primary"


@pytest.mark.parametrize(
    ("name", "path", "sent"),
    [
        (ENDPOINT, "/api/2.0/postgres/credentials", {"endpoint": ENDPOINT}),
        ("our-instance", "/api/2.0/database/credentials", {"instance_names": ["our-instance"]}),
    ],
    ids=["project", "instance"],
)
def test_a_connection_gets_a_fresh_password(databricks, databricks_settings, name, path, sent):
    parameters = [{}, {}]
    for one in parameters:
        lakebase.sign_in(name, one)
    assert len({one["password"] for one in parameters}) == 2
    asked = [one["body"] for one in databricks.requests(path)]
    assert len(asked) == 2 and all(sent.items() <= one.items() for one in asked)


def test_who_gets_no_password_is_told_so_and_no_connection_is_tried(databricks, databricks_settings):
    databricks.deny("postgres/credentials")
    engine = database.connect(f"postgresql+psycopg://app@127.0.0.1:1/postgres?lakebase={ENDPOINT.replace('/', '%2F')}")
    with pytest.raises(ConsoleError, match="password of the console's database") as error:
        engine.connect()
    assert error.value.remedy

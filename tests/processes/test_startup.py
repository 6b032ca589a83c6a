"""Each reason not to start is one sentence with what to do."""

import socket
from dataclasses import replace

import pytest

from services.errors import NotReadyError
from services.processes import startup
from services.processes.lock import Lock


@pytest.fixture
def taken():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_free_machine_may_start(settings):
    startup.check(settings)
    assert list(settings.run_folder.iterdir()) == []


def test_a_new_data_folder_is_for_its_owner_alone(settings, tmp_path):
    settings = replace(settings, home=tmp_path / "new" / "home")
    startup.check(settings)
    assert settings.home.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_written_is_named(settings, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(NotReadyError) as refused:
        startup.check(replace(settings, home=tmp_path / "file"))
    assert f"The data folder {tmp_path / 'file'} cannot be written" in str(refused.value)
    assert "SIGNALBOX_HOME" in str(refused.value)


def test_a_second_console_is_told_where_the_first_is(settings):
    lock = Lock(settings.run_folder / "web.lock")
    lock.acquire()
    lock.tell(url="http://127.0.0.1:4711")
    with pytest.raises(NotReadyError, match="already running") as refused:
        startup.check(settings)
    assert "http://127.0.0.1:4711" in str(refused.value)
    lock.release()


@pytest.mark.parametrize(("field", "name"), [("port", "SIGNALBOX_PORT"), ("gateway_port", "SIGNALBOX_GATEWAY_PORT")])
def test_a_taken_port_names_its_setting(settings, taken, field, name):
    with pytest.raises(NotReadyError) as refused:
        startup.check(replace(settings, **{field: taken}))
    assert str(refused.value).endswith(f"or set {name} to a free port.")


def test_the_port_of_a_gateway_that_survived_is_no_obstacle(settings, taken):
    gateway = Lock(settings.run_folder / "gateway.lock")
    gateway.acquire()
    startup.check(replace(settings, gateway_port=taken))
    gateway.release()


def test_one_port_for_two_servers_is_refused(settings):
    with pytest.raises(NotReadyError) as refused:
        startup.check(replace(settings, gateway_port=settings.port))
    assert "SIGNALBOX_PORT and SIGNALBOX_GATEWAY_PORT are both" in str(refused.value)


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_an_address_of_another_machine_is_refused(settings, host):
    with pytest.raises(NotReadyError) as refused:
        startup.check(replace(settings, host=host))
    assert "SIGNALBOX_HOST" in str(refused.value)

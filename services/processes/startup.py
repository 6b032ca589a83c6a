"""What would make the start fail, found before the server starts."""

import errno
import socket

from services import oidc, people
from services.errors import ConsoleError, NotReadyError
from services.messages import Message
from services.processes.lock import held, read
from services.settings import Settings


def check(settings: Settings) -> None:
    """Raises ConsoleError for a folder that cannot be written, a sign-in that is not set up, a second console on the
    folder, or a port that is taken.
    """
    _check_folder(settings)
    people.roles_file(settings)
    if settings.identity == "oidc":
        oidc.check(settings.oidc, settings.outgoing.public_url)
    if held(settings.run_folder / "web.lock"):
        raise already_running(settings)
    if settings.port == settings.gateway_port:
        raise NotReadyError(
            Message("SIGNALBOX_PORT and SIGNALBOX_GATEWAY_PORT are both {port}.", port=settings.port),
            Message("Set one of them to another port."),
        )
    _check_port(settings.host, settings.port, "SIGNALBOX_PORT")
    if not held(settings.run_folder / "gateway.lock"):  # it outlives a crash of the web server, and keeps its port
        _check_port("127.0.0.1", settings.gateway_port, "SIGNALBOX_GATEWAY_PORT")


def already_running(settings: Settings) -> ConsoleError:
    url = read(settings.run_folder / "web.lock").get("url") or settings.url
    return NotReadyError(
        Message("A console is already running on the data folder {path}, at {url}.", path=str(settings.home), url=url),
        Message("Open that address, or set SIGNALBOX_HOME to another folder."),
    )


def _check_folder(settings: Settings) -> None:
    try:
        # What people ask and what they are answered stands there: a new one is for its owner alone.
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings.run_folder.mkdir(exist_ok=True)
        probe = settings.run_folder / "writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        reason = error.strerror or str(error)
        raise NotReadyError(
            Message("The data folder {path} cannot be written: {reason}.", path=str(settings.home), reason=reason),
            Message("Change its permissions, or set SIGNALBOX_HOME to another folder."),
        ) from error


def _check_port(host: str, port: int, name: str) -> None:
    try:
        _bind(host, port)
    except (socket.gaierror, OverflowError) as error:
        raise _not_ours(host) from error
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            raise _not_ours(host) from error
        if error.errno == errno.EACCES:
            raise NotReadyError(
                Message("Port {port} may not be used by this account.", port=port),
                Message("Set {name} to a port above 1023.", name=name),
            ) from error
        raise NotReadyError(
            Message("Port {port} is used by another program.", port=port),
            Message("Stop that program, or set {name} to a free port.", name=name),
        ) from error


def _bind(host: str, port: int) -> None:
    """Take the port for a moment, as the server will."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        probe.listen()


def _not_ours(host: str) -> NotReadyError:
    return NotReadyError(
        Message("SIGNALBOX_HOST is “{host}”, which is no address of this machine.", host=host),
        Message("Set it to 127.0.0.1, or to an address that this machine has."),
    )

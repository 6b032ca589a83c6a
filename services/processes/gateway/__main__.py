"""Run the gateway on 127.0.0.1 until SIGTERM; one per data folder.

Given the pid of the worker that starts it, it ends at once when that worker died before the lock was taken: nobody
would know of it, and the next worker starts one of its own. From then on it outlives its worker.
"""

import os
import socket
import sys
from logging.handlers import RotatingFileHandler

import uvicorn

from services import settings as environment
from services.processes import logs
from services.processes.gateway.server import application
from services.processes.lock import Lock
from services.settings import Settings

BUSY_PORT = 3
DRAIN_SECONDS = 20


def main() -> int:
    settings = environment.load(os.environ)
    lock = Lock(settings.run_folder / "gateway.lock")
    if not lock.acquire() or _orphaned():
        return 0
    _log_to_file(settings)
    # asyncio turns Nagle's delay (40 ms per answer) off only when the protocol is named.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", settings.gateway_port))
    except OSError as error:
        reason = (
            f"Port {settings.gateway_port} cannot be used ({error.strerror}). Stop what uses it, or set "
            "SIGNALBOX_GATEWAY_PORT to another number."
        )
        lock.tell(error=reason)
        print(reason, file=sys.stderr)
        return BUSY_PORT
    lock.tell(url=settings.gateway_url)
    config = uvicorn.Config(
        application(settings), log_config=None, access_log=False, timeout_graceful_shutdown=DRAIN_SECONDS
    )
    uvicorn.Server(config).run(sockets=[listener])
    return 0


def _orphaned() -> bool:
    return len(sys.argv) > 1 and os.getppid() != int(sys.argv[1])


def _log_to_file(settings: Settings) -> None:
    settings.log_folder.mkdir(parents=True, exist_ok=True)
    file = RotatingFileHandler(settings.log_folder / "gateway.log", maxBytes=2_000_000, backupCount=1, encoding="utf-8")
    logs.start(settings.log_format, file)


if __name__ == "__main__":
    sys.exit(main())

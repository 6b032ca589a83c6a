"""Where packages come from, which only installing may see, and a child process whose output is followed."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

PREFIXES = ("UV_", "PIP_")
INDEX: dict[str, str] = {}


def remember(environ: Mapping[str, str]) -> None:
    """Before a job that installs forgets the environment; in no other, where an agent's code could read it."""
    INDEX.update({name: value for name, value in environ.items() if name.startswith(PREFIXES)})


def followed(
    child: "subprocess.Popen[bytes]",
    heard: Callable[[str], None],
    still_wanted: Callable[[], None],
    seconds: float,
    pause: float,
) -> int:
    """The child's exit code; raises TimeoutError after `seconds`, and `still_wanted` may raise to stop.

    It and all that it started end with this call.
    """
    assert child.stdout is not None
    place = child.stdout.fileno()

    def read() -> None:
        while piece := os.read(place, 65_536):
            heard(piece.decode("utf-8", "replace"))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    end = time.monotonic() + seconds
    try:
        while child.poll() is None and time.monotonic() < end:
            still_wanted()
            time.sleep(pause)
        in_time = child.poll() is not None
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        reader.join(2.0)
    if not in_time:
        raise TimeoutError
    return child.returncode

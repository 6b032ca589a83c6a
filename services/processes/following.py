"""A child process of its own group, whose output is heard until it ends."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress


def followed(
    child: "subprocess.Popen[bytes]",
    heard: Callable[[bytes], None],
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
            heard(piece)

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

"""Whether the worker works, not only lives: it leaves a sign every second that it looked for something to do."""

import time
from contextlib import suppress

from services.settings import Settings

SILENT = 60.0


def beat(settings: Settings) -> None:
    """Leave the sign; the file's time is all that it says. Where nothing can be written, silence says the right thing."""
    with suppress(OSError):
        settings.run_folder.mkdir(parents=True, exist_ok=True)
        (settings.run_folder / "worker.beat").touch()


def age(settings: Settings) -> float | None:
    """Seconds since the last sign; None when there never was one."""
    try:
        return max(0.0, time.time() - (settings.run_folder / "worker.beat").stat().st_mtime)
    except FileNotFoundError:
        return None


def stopped(settings: Settings) -> bool:
    """Whether the worker has been silent for so long that nobody should rely on it."""
    silent = age(settings)
    return silent is not None and silent > SILENT

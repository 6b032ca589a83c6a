"""The real console under bounded load and trouble, then the ledger against the stores: `python -m bench.soak`.

Web, worker, gateway and served versions run on a data folder of their own; customers ask, operators click, an author
evaluates and releases, alerts are told to a webhook. Meanwhile processes are killed, the disk is full, the model and the
receiver are slow or fail, the clock jumps. The last part goes without trouble. Memory and descriptors are followed
all the time, each life of a process by itself. The same seed gives the same order of troubles. Ends with 1 when anything was lost, done twice or left behind.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

INSIDE = "SIGNALBOX_SOAK_INSIDE"


def main() -> int:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--minutes", type=float, default=15.0)
    given.add_argument("--seed", type=int, default=1)
    given.add_argument("--customers", type=int, default=2)
    given.add_argument("--operators", type=int, default=2)
    given.add_argument("--to", type=Path, default=Path("bench/out"), help="the folder of the report")
    options = given.parse_args()
    if os.environ.get(INSIDE) is None and (way := mountable()):
        os.environ[INSIDE] = "1"
        os.execvp(way[0], [*way, sys.executable, "-m", "bench.soak", *sys.argv[1:]])
    from bench.soak import running

    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    return running.soak(options, folder, small_disk=INSIDE in os.environ)


def mountable() -> list[str] | None:
    """How to become a process that may mount a small disk which vanishes with it; None where that is not allowed."""
    base = ["unshare", "--mount"]
    for way in (base, [*base, "--user", "--map-root-user"]):
        if shutil.which("unshare") and subprocess.run([*way, "true"], capture_output=True, check=False).returncode == 0:
            return way
    return None


if __name__ == "__main__":
    sys.exit(main())

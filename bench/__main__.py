"""Every measure in one command, into one report with pictures: `python -m bench [--size tiny|small|full]`, `make bench`.

Each row is a process of its own with a time limit; one that fails is told in the report, and the rest goes on. What was
measured is kept at once: with `--resume` only rows without a result are run again.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from bench import report
from bench.results import VARIABLE, read
from bench.rows import ROWS, SIZES, Row

ROOT = Path(__file__).parent.parent


def main() -> int:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--size", choices=SIZES, default="small")
    given.add_argument("--only", nargs="*", choices=[row.name for row in ROWS], help="these rows alone")
    given.add_argument("--resume", action="store_true", help="keep the rows that have a result already")
    given.add_argument("--to", type=Path, default=Path("bench/out"), help="the folder of results and report")
    given.add_argument("--docs", action="store_true", help="also make docs/performance.md and its pictures")
    options = given.parse_args()
    folder = options.to / options.size
    if not (options.resume or options.only):
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    chosen = [row for row in ROWS if not options.only or row.name in options.only]
    for number, row in enumerate(chosen, 1):
        print(f"[{number}/{len(chosen)}] {row.title} … ", end="", flush=True)
        if options.resume and (ended := told(folder, row)) and not ended["failed"]:
            print("kept", flush=True)
            continue
        print(measure(row, options.size, folder), flush=True)
    outcomes = [(row, told(folder, row), read(folder / f"{row.name}.jsonl")) for row in ROWS]
    report.write(folder, options.size, outcomes)
    print(f"The report: {folder / 'report.md'}")
    if options.docs:
        report.publish(folder, ROOT / "docs")
    return 1 if any(ended and ended["failed"] for _, ended, _ in outcomes) else 0


def measure(row: Row, size: str, folder: Path) -> str:
    """Run one row to its end or its limit; returns how it went."""
    kept, log = folder / f"{row.name}.jsonl", folder / f"{row.name}.log"
    kept.unlink(missing_ok=True)
    environ = os.environ | {VARIABLE: str(kept.absolute())}
    command = [sys.executable, "-m", f"bench.{row.module}", *row.arguments(size)]
    begun, failed = time.monotonic(), ""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environ, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
        )
        try:
            code = process.wait(row.longest(size))
            failed = f"it ended with code {code}, see {log.name}" if code else ""
        except subprocess.TimeoutExpired:
            # As Ctrl+C does, so that it stops what it has started.
            process.send_signal(2)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
            failed = f"it took longer than {row.longest(size)} s"
    taken = time.monotonic() - begun
    ended = {"failed": failed, "seconds": round(taken, 1), "load": round(os.getloadavg()[0], 1)}
    (folder / f"{row.name}.json").write_text(json.dumps(ended))
    return f"{taken:.0f} s" + (f", FAILED: {failed}" if failed else "")


def told(folder: Path, row: Row) -> dict:
    """How a row went, empty when it was not run yet."""
    file = folder / f"{row.name}.json"
    return json.loads(file.read_text()) if file.exists() else {}


if __name__ == "__main__":
    sys.exit(main())

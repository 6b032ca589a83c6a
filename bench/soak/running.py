"""One run from the first start to the report."""

import argparse
import os
import platform
import shutil
import time
from contextlib import suppress
from pathlib import Path

from bench.soak.accounts import Accounts, Line, defects
from bench.soak.growth import Growth, Watch
from bench.soak.ledger import CONFIRMED, Ledger
from bench.soak.outside import outside
from bench.soak.people import Author, Person, crew
from bench.soak.stack import Stack
from bench.soak.trouble import Trouble
from services import archive
from services.errors import ConsoleError
from services.workspace import Workspace
from tests.left_traces import leave

CALM_SHARE = 0.35
SECONDS_TO_GO_HOME = 660.0
TOLD_EVERY = 20.0
EARLIER, FIRST_TRIES = 24, 5


def soak(options: argparse.Namespace, folder: Path, small_disk: bool) -> int:
    options.to.mkdir(parents=True, exist_ok=True)
    ledger = Ledger(folder / "ledger.jsonl")
    with outside() as around:
        stack = Stack(folder, around, small_disk)
        try:
            place = stack.start()
            prepare(place)
            everyone = crew(stack, ledger, options.seed, place, (options.customers, options.operators))
            first_release(everyone)
            watch = Watch(stack.pids)
            work(options, everyone, Trouble(stack, ledger, options.seed), watch, ledger)
            stack.wait_ready(60)
            lines, findings = compared(Accounts(place, ledger, around))
        finally:
            left = stack.stop()
        findings += [f"process {pid} is left after the stop" for pid in left]
        findings += [f"{n} × {line}" for line, n in defects(stack.logs).items()] + ledger.odd
        findings += [f"{around.forged} webhooks with a wrong signature"] if around.forged else []
        told = report(options, stack, ledger, lines, watch.growth())
    bad = findings or not all(one.fine for one in lines) or any(one.verdict == "grows" for one in watch.growth())
    told += ["", "## What no trouble explains", "", *(f"- {one}" for one in findings or ["nothing"])]
    told += ["", f"**{'Failed' if bad else 'Passed'}.**", ""]
    text = "\n".join(told)
    (options.to / f"soak-{options.seed}.md").write_text(text)
    shutil.copy(folder / "ledger.jsonl", options.to / f"soak-{options.seed}.jsonl")
    shutil.copytree(stack.logs, options.to / f"soak-{options.seed}-logs", dirs_exist_ok=True)
    if bad:
        shutil.copytree(stack.home, options.to / f"soak-{options.seed}-home", dirs_exist_ok=True, symlinks=True)
    print(text)
    return 1 if bad else 0


def compared(accounts: Accounts) -> tuple[list[Line], list[str]]:
    """What was promised against what is there, once everything has come to rest."""
    findings = [f"{name} did not come to rest" for name in accounts.settle()]
    lines = accounts.lines()
    findings += [f"audit log: {one}" for one in accounts.audit()]
    findings += [f"charts: {one}" for one in accounts.charts()]
    return lines, findings


def prepare(place: Workspace) -> None:
    """The archive is on, and there was some traffic before, which alerts of the last hour see."""
    for number in range(EARLIER):
        leave(place, f"An earlier question {number}?", hours_ago=0.4)
    archive.start(place)


def first_release(everyone: list[Person]) -> None:
    """Customers need something that answers, before anything goes wrong."""
    author = next(one for one in everyone if isinstance(one, Author))
    while not author.ledger.of("release", CONFIRMED):
        author.number += 1
        if author.number > FIRST_TRIES:
            raise SystemExit(
                f"nothing could be released at first: {[one.facts for one in author.ledger.entries.values()]}"
            )
        with suppress(ConsoleError):
            author.step()


def work(options: argparse.Namespace, everyone: list[Person], trouble: Trouble, watch: Watch, ledger: Ledger) -> None:
    """Load and trouble, then load alone, then everyone goes home."""
    whole = options.minutes * 60
    for one in (*everyone, trouble, watch):
        one.start()
    begun = time.monotonic()
    _wait(ledger, begun, whole * (1 - CALM_SHARE), "with trouble")
    trouble.stopping.set()
    trouble.join()
    _wait(ledger, begun, whole, "without trouble")
    for one in everyone:
        one.stopping.set()
    watch.stopping.set()
    end = time.monotonic() + SECONDS_TO_GO_HOME
    for one in everyone:
        one.join(max(0.1, end - time.monotonic()))
        if one.is_alive():
            ledger.wonder(f"{one.name} did not come back within {SECONDS_TO_GO_HOME:.0f} s")


def _wait(ledger: Ledger, begun: float, until: float, how: str) -> None:
    while (gone := time.monotonic() - begun) < until:
        done = ", ".join(f"{kind} {states['confirmed']}" for kind, states in ledger.counts())
        print(f"{gone:5.0f} s, {how}: {done}; {len(ledger.troubles)} troubles, {len(ledger.odd)} odd", flush=True)
        time.sleep(min(TOLD_EVERY, until - gone))


def report(
    options: argparse.Namespace, stack: Stack, ledger: Ledger, lines: list[Line], growth: list[Growth]
) -> list[str]:
    """Markdown: what was asked for, what went wrong on purpose, what is there, what grew."""
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    told = [f"# Soak, {options.minutes:g} minutes, seed {options.seed}", "", f"{machine}.", "", "## Asked for", ""]
    told += ["| What | confirmed | refused or broken off | never answered |", "| --- | --: | --: | --: |"]
    told += [f"| {kind} | {one['confirmed']} | {one['refused']} | {one['asked']} |" for kind, one in ledger.counts()]
    told += ["", "## Troubles", "", "| What | how often |", "| --- | --: |"]
    names = [name for name, _, _ in ledger.troubles]
    told += [f"| {name} | {names.count(name)} |" for name in sorted(set(names))]
    told += [] if stack.small_disk else ["| the disk is full | not tried: no disk of our own can be mounted here |"]
    told += [] if stack.clock else ["| the clock jumps | not tried: there is no C compiler |"]
    told += [
        "",
        "## Lost or twice",
        "",
        "| What | promised | found | lost | twice | lost with a killed process or a full disk |",
    ]
    told += ["| --- | --: | --: | --: | --: | --: |"]
    told += [
        f"| {one.what} | {one.promised} | {one.found} | {len(one.lost)} | {len(one.twice)} | {one.excused} |"
        for one in lines
    ]
    told += [f"\n{one.what}: {', '.join((*one.lost, *one.twice)[:5])}" for one in lines if not one.fine]
    told += [
        "",
        "## Growth per hour, with its 95 % interval",
        "",
        "| Process | mean | per hour | limit | |",
        "| --- | --: | --: | --: | --- |",
    ]
    for one in growth:
        unit = " %" if "memory" in one.of else ""
        told.append(
            f"| {one.of} | {one.mean:.1f} | {one.slope:+.1f} ± {one.off:.1f}{unit} | {one.limit:g}{unit} | {one.verdict} |".replace(
                "+nan ± nan", "–"
            ).replace("nan", "–")
        )
    return told

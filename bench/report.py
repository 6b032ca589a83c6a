"""The report: a table and a picture for each row, what the machine is, what was not measured."""

import html
import math
import os
import platform
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.results import Measured
from bench.rows import Row

Outcome = tuple[Row, dict[str, Any], list[Measured]]
PACKAGES = ("mlflow", "streamlit", "starlette", "deltalake")
WIDTH, LINE, LABEL, BAR = 860, 26, 380, 320
GOOD, BAD, PLAIN = "#2e7d4f", "#b3402e", "#4a6fa5"
NO_PEERS = ("the goal", "one request")
INTRODUCTION = """# Performance

Made by `make bench`. Each number stands beside a peer or a floor that was measured in the same run on the same machine, in
turn: trust the ratios, not the milliseconds. **Cost** is ours divided by the peer's (for rates the other way round): 1 is the
same, less is better. The peers are MLflow's own calls, screens' floors are an empty Streamlit page. Phoenix is not among them:
it is not installed with the console. The scripts are in `bench`; each says how it measures.
"""


def write(folder: Path, size: str, outcomes: list[Outcome]) -> None:
    """`report.md` and one picture for each row with results, in `folder`."""
    parts = [INTRODUCTION, machine(size, outcomes), summary(outcomes)]
    for row, ended, found in outcomes:
        parts.append(section(row, ended, found))
        if found:
            (folder / f"bench-{row.name}.svg").write_text(picture(row, found), "utf-8")
    (folder / "report.md").write_text("\n".join(parts), "utf-8")


def publish(folder: Path, docs: Path) -> None:
    """As docs/performance.md, with its pictures beside the others."""
    text = (folder / "report.md").read_text("utf-8")
    for file in sorted(folder.glob("bench-*.svg")):
        shutil.copy(file, docs / "pictures" / file.name)
        text = text.replace(f"({file.name})", f"(pictures/{file.name})")
    (docs / "performance.md").write_text(text, "utf-8")


def machine(size: str, outcomes: list[Outcome]) -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    loads = [ended["load"] for _, ended, _ in outcomes if ended]
    known = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        "## The machine\n\n"
        f"{os.cpu_count()} cores ({_processor()}), {memory:.0f} GB, {platform.system()} {platform.release().partition('-')[0]}, "
        f"Python {platform.python_version()}; {known}. Size: {size}. "
        f"Load while measuring: {min(loads, default=0):g} to {max(loads, default=0):g}.\n"
    )


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()


def summary(outcomes: list[Outcome]) -> str:
    """Goals met and missed, and the three highest costs."""
    every = [one for _, _, found in outcomes for one in found]
    judged = [one for one in every if one.met is not None]
    missed = [one for one in judged if not one.met]
    told = ["## In short\n", f"{len(judged) - len(missed)} of {len(judged)} goals are met."]
    told += [f"- missed: {one.named}: cost {_cost(one)}, goal {one.goal:.3g}" for one in missed]
    compared = [one for one in every if one.peer not in NO_PEERS]
    told += ["\nThe three highest costs:\n"]
    told += [f"- {one.named}: {_cost(one)} of {one.peer}" for one in sorted(compared, key=lambda one: -one.cost)[:3]]
    broken = [f"- {row.title}: {ended['failed']}" for row, ended, _ in outcomes if ended and ended["failed"]]
    left = [f"- {row.title}" for row, ended, _ in outcomes if not ended]
    told += (["\nNot measured to the end:\n", *broken] if broken else []) + (["\nNot run:\n", *left] if left else [])
    return "\n".join(told) + "\n"


def section(row: Row, ended: dict[str, Any], found: list[Measured]) -> str:
    if not ended:
        return ""
    told = [f"## {row.title}\n"]
    if ended["failed"]:
        told.append(f"Not measured to the end: {ended['failed']}.\n")
    if found:
        told += ["| What | size | ours | beside it | | cost | goal |", "| --- | --- | --: | --: | --- | --: | --: |"]
        told += [_line(one) for one in found]
        told.append(f"\n![{row.title}: cost against the peer](bench-{row.name}.svg)\n")
    return "\n".join(told)


def _line(one: Measured) -> str:
    goal = "" if one.goal is None else f"{one.goal:.3g} {'✓' if one.met else '✗'}"
    return f"| {one.what} | {one.size} | {_number(one.ours)} {one.unit} | {_number(one.beside)} {one.unit} | {one.peer} | {_cost(one)} | {goal} |"


def _cost(one: Measured) -> str:
    return f"{one.cost:.3f}" if one.cost < 0.1 else f"{one.cost:.2f}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 1 else f"{value:.2g}"


def picture(row: Row, found: list[Measured]) -> str:
    """Bars of the cost on a logarithmic scale around 1, which is the peer; a tick is the goal."""
    reach = max(
        [
            1.0,
            *(abs(math.log10(max(one.cost, 1e-6))) for one in found),
            *(abs(math.log10(one.goal)) for one in found if one.goal),
        ]
    )
    middle = LABEL + BAR / 2

    def place(cost: float) -> float:
        return middle + math.log10(max(cost, 1e-6)) / reach * BAR / 2

    height = LINE * (len(found) + 2)
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        f'role="img" font-family="sans-serif" font-size="13"><title>{html.escape(row.title)}</title>',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        f'<text x="{middle}" y="17" text-anchor="middle" fill="#333">the peer’s cost</text>',
        f'<text x="{LABEL}" y="17" fill="#777">cheaper</text>'
        f'<text x="{LABEL + BAR}" y="17" text-anchor="end" fill="#777">dearer</text>',
    ]
    for number, one in enumerate(found, 1):
        top, at = number * LINE, place(one.cost)
        colour = PLAIN if one.met is None else GOOD if one.met else BAD
        left, wide = min(at, middle), max(abs(at - middle), 1.5)
        label = html.escape(one.named)
        drawn.append(f'<text x="{LABEL - 10}" y="{top + 17}" text-anchor="end" fill="#222">{label}</text>')
        drawn.append(f'<rect x="{left:.1f}" y="{top + 5}" width="{wide:.1f}" height="{LINE - 10}" fill="{colour}"/>')
        drawn.append(f'<text x="{LABEL + BAR + 12}" y="{top + 17}" fill="#222">{_cost(one)}{_verdict(one)}</text>')
        if one.goal:
            drawn.append(
                f'<rect x="{place(one.goal) - 1:.1f}" y="{top + 1}" width="2" height="{LINE - 2}" fill="#222"/>'
            )
    bottom = height - LINE + 4
    drawn.append(f'<line x1="{middle}" y1="{LINE}" x2="{middle}" y2="{bottom}" stroke="#999"/></svg>')
    return "\n".join(drawn) + "\n"


def _verdict(one: Measured) -> str:
    return "" if one.goal is None else f"  goal {one.goal:.3g} {'met' if one.met else 'missed'}"

"""The ledger against what the stores hold at the end: nothing lost, nothing twice, nothing left half done."""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from mlflow.entities import TraceInfo
from sqlalchemy import select

from bench.soak.ledger import CONFIRMED, Entry, Ledger
from bench.soak.outside import Outside
from bench.soak.trouble import FULL_DISK, KILLED_VERSION
from services import database, evaluations, jobs, prompts, readmodel, releases, sample
from services.archive import copying, schema, table, verifying
from services.archive.table import Span
from services.audit import chain
from services.monitoring.scoring import SCORER_KEY, sampled
from services.readmodel.facts import SLOT_MS
from services.releases import State
from services.traces.rows import each, origin
from services.traces.story import VERSION_KEY
from services.workspace import Workspace

DAY = 86_400_000
# A served version keeps traces for about a second before it stores them; under load for longer.
UNSAVED = 6.0
AFTER_FULL = 6.0
QUESTION = re.compile(r"Where is parcel c\d+-\d+\?")
SECONDS_TO_SETTLE = 420.0
TRACEBACK = r"Traceback \(most recent call last\):\n(?:[ \t].*\n|\n|(?:During|The above).*\n|Traceback.*\n|\S.*\n(?=\n(?:During|The above)))*(\S.*)$"
# MLflow logs tracebacks of its own for what the console tells plainly; a child that ends by a defect names its process.
DEFECTS = {
    "web.log": re.compile(TRACEBACK, re.MULTILINE),
    "gateway.log": re.compile(TRACEBACK, re.MULTILINE),
    "worker.log": re.compile(r"^Process [\w-]+:\n" + TRACEBACK, re.MULTILINE),
}


@dataclass(frozen=True)
class Line:
    """One kind of thing. `excused`: lost with a process that was killed, or while nothing could be written."""

    what: str
    promised: int
    found: int
    lost: tuple[str, ...] = ()
    twice: tuple[str, ...] = ()
    excused: int = 0

    @property
    def fine(self) -> bool:
        return not (self.lost or self.twice)


class Accounts:
    """Reads everything once, after the load has ended and the queue is empty."""

    def __init__(self, place: Workspace, ledger: Ledger, outside: Outside) -> None:
        self.place, self.ledger, self.outside = place, ledger, outside

    def settle(self) -> list[str]:
        """Wait until nothing is due any more; returns what did not come to rest."""
        waiting = {
            "jobs": self._no_jobs,
            "verdicts": lambda: not self.verdicts().lost,
            "archive": lambda: self.archive().fine,
        }
        end = time.monotonic() + SECONDS_TO_SETTLE
        while waiting and time.monotonic() < end:
            for name, rests in list(waiting.items()):
                if rests():
                    del waiting[name]
            time.sleep(2.0)
        return list(waiting)

    def lines(self) -> list[Line]:
        makers: tuple[Callable[[], Line], ...] = (
            self.traces,
            self.verdicts,
            self.archive,
            self.prompt_versions,
            self.evaluations,
            self.release_pointers,
            self.registered_versions,
            self.told_releases,
            self.told_alerts,
            self.clicks,
            self.jobs,
        )
        return [make() for make in makers]

    def traces(self) -> Line:
        """Each answer that a customer was given has its trace, and each question at most one."""
        promised = self.ledger.of("question", CONFIRMED)
        infos = self._infos()
        there = {one.trace_id for one in infos}
        missing = [one for one in promised if one.facts["trace_id"] not in there]
        lost = tuple(one.id for one in missing if not self._excused(one))
        questions = Counter(
            found[0]
            for one in infos
            if origin(one) == "live" and (found := QUESTION.findall(one.request_preview or ""))
        )
        twice = tuple(one for one, n in questions.items() if n > 1)
        return Line(
            "traces of answers", len(promised), len(promised) - len(missing), lost, twice, len(missing) - len(lost)
        )

    def verdicts(self) -> Line:
        """Each live answer was judged once by each scorer that runs now."""
        running = [one for one in self.place.platform.scoring.status(self.place) if one.running]
        promised, lost, twice = 0, [], []
        for info in self._infos():
            if origin(info) != "live" or info.state.value != "OK":
                continue
            given = Counter(
                (one.metadata or {}).get(SCORER_KEY, "") for one in info.assessments if getattr(one, "valid", True)
            )
            versions = {
                ((one.metadata or {}).get(SCORER_KEY), (one.metadata or {}).get(VERSION_KEY))
                for one in info.assessments
            }
            for scorer in running:
                if not sampled(info.trace_id, scorer.rate):
                    continue
                promised += 1
                if (scorer.name, str(scorer.version)) not in versions:
                    lost.append(f"{scorer.name} of {info.trace_id}")
                if given[scorer.name] > len({one for one in versions if one[0] == scorer.name}):
                    twice.append(f"{scorer.name} of {info.trace_id}")
        return Line("verdicts on live answers", promised, promised - len(lost), tuple(lost), tuple(twice))

    def archive(self) -> Line:
        """Each trace of MLflow stands in the archive once, with the same content."""
        held = table.read(self.place)
        assert held is not None
        days = {schema.day_of(one.request_time) for one in self._infos()}
        promised, lost, twice = 0, list[str](), list[str]()
        for day in days | set(table.days(held)):
            span = Span(day, schema.start_of(day), schema.start_of(day) + DAY)
            there = {one["trace_id"]: one["digest"] for one in copying.read(self.place, span)[1]}
            rows = verifying.rows(held, span)
            here = {one["trace_id"]: schema.digest(one) for one in rows}
            promised += len(there)
            lost += [id for id, digest in there.items() if here.get(id) != digest]
            for id, n in Counter(one["trace_id"] for one in rows).items():
                times = [f"{one['time']:%H:%M:%S.%f}" for one in rows if one["trace_id"] == id]
                twice += [f"{id} at {' and '.join(times)}"] if n > 1 else []
            twice += [f"{id} is not in MLflow" for id in here.keys() - there.keys()]
        return Line("archived traces, with their content", promised, promised - len(lost), tuple(lost), tuple(twice))

    def prompt_versions(self) -> Line:
        saved = self.ledger.of("prompt version", CONFIRMED)
        texts = Counter(one.template for one in prompts.history(self.place, sample.app().prompt_name))
        every = {one.id: texts[one.facts["text"]] for one in self.ledger.of("prompt version")}
        lost = tuple(one.id for one in saved if not every[one.id])
        return Line(
            "prompt versions", len(saved), len(saved) - len(lost), lost, tuple(id for id, n in every.items() if n > 1)
        )

    def evaluations(self) -> Line:
        """Each that ended has each question once."""
        ended = self.ledger.of("evaluation", CONFIRMED)
        lost, twice = list[str](), list[str]()
        for one in ended:
            asked = evaluations.rows(self.place, one.facts["run"])["row_id"]
            if asked.nunique() < self._questions():
                lost.append(f"{one.id}: {asked.nunique()} of {self._questions()} questions")
            if asked.duplicated().any():
                twice.append(one.id)
        return Line("evaluations, whole", len(ended), len(ended) - len(lost), tuple(lost), tuple(twice))

    def release_pointers(self) -> Line:
        """What is live is what the newest release that went through left, and none is stuck."""
        known = releases.all(self.place)
        promised = [int(one.facts["release"]) for one in self.ledger.of("release", CONFIRMED)]
        good = {one.id for one in known if one.state in (State.LIVE, State.TAKEN_BACK)}
        lost = [f"release {id}" for id in promised if id not in good]
        lost += [f"release {one.id} still runs" for one in known if one.state is State.RUNNING]
        moved = next((one for one in known if one.state is State.LIVE), None)
        now = releases.live(self.place)
        if moved and now.pair != moved.after:
            lost.append(f"live is {now.pair}, release {moved.id} left {moved.after}")
        twice = [
            str(one.id)
            for one in known
            if [step.name for step in one.steps] != list(dict.fromkeys(step.name for step in one.steps))
        ]
        return Line("releases that went live", len(promised), len(promised) - len(lost), tuple(lost), tuple(twice))

    def registered_versions(self) -> Line:
        """Each agent was registered once, however often its release was interrupted."""
        released = {one.after.model_id for one in releases.all(self.place) if one.after.agent_version}
        client = self.place.client
        names = [one.name for one in client.search_registered_models() if "mlflow.prompt.is_prompt" not in one.tags]
        found = Counter(
            one.source.rpartition("/")[2] for name in names for one in client.search_model_versions(f"name = '{name}'")
        )
        twice = tuple(id for id, n in found.items() if n > 1)
        lost = tuple(str(id) for id in released - found.keys())
        return Line("registered agent versions", len(released), len(released) - len(lost), lost, twice)

    def told_releases(self) -> Line:
        """The receiver heard of each release under its own id; hearing the same id again is what it is for."""
        known = [one for one in releases.all(self.place) if one.state in (State.LIVE, State.TAKEN_BACK)]
        name = {releases.Kind.ROLLBACK: "rolled-back"}
        ids = [f"{self.place.app.id}-{one.id}-{name.get(one.kind, 'live')}" for one in known]
        return self._told("webhook: releases", ids)

    def told_alerts(self) -> Line:
        with self.place.engine.connect() as connection:
            rows = connection.execute(select(database.alert)).all()
        firing = [f"{self.place.app.id}-alert-{row.id}-firing-1-webhook" for row in rows if row.told]
        over = [f"{self.place.app.id}-alert-{row.id}-resolved-webhook" for row in rows if row.end_told]
        twice = [name for name, n in Counter(row.rule_id for row in rows).items() if n > 1]
        return self._told("webhook: alerts", [*firing, *over], twice)

    def clicks(self) -> Line:
        """Each click that the screen said was taken left one job; its letter arrived, or the job says why not."""
        clicked = self.ledger.of("click", CONFIRMED)
        unsure = len(self.ledger.of("click")) - len(clicked)
        tests = [one for one in self._jobs("tell_alert") if one.args.get("once")]
        lost = [one.args["id"] for one in tests if one.state == "done" and not self.outside.taken[one.args["id"]]]
        lost += [f"{len(clicked) - len(tests)} clicks left no job"] if len(tests) < len(clicked) else []
        more = len(tests) - len(clicked) - unsure
        return Line(
            "webhook: tests by a click",
            len(clicked),
            min(len(tests), len(clicked)),
            tuple(lost),
            (f"{more} more than clicks",) if more > 0 else (),
        )

    def jobs(self) -> Line:
        """Every job that somebody asked for ended."""
        asked = [one for one in self._jobs() if one.every is None]
        open_ = tuple(f"{one.kind} {one.id} is {one.state}" for one in asked if one.state in jobs.LIVE)
        return Line("jobs that ended", len(asked), len(asked) - len(open_), open_)

    def audit(self) -> list[str]:
        """What is wrong with the audit log; intents of clicks that died with the web server stay open for a while."""
        found = chain.scan(self.place.engine)
        return [f"line {one.line}: {one.kind}" for one in found.breaks] + ([] if found.lines else ["it is empty"])

    def charts(self) -> list[str]:
        """What the charts count otherwise than MLflow does."""
        readmodel.catch_up(self.place, 30.0)
        now = int(time.time() * 1000) // SLOT_MS * SLOT_MS
        check = readmodel.verify(self.place, now - DAY, now + SLOT_MS)
        return [f"{one.what}: {one.here} here, {one.there} in MLflow" for one in check.differences]

    def _told(self, what: str, ids: Iterable[str], twice: Iterable[str] = ()) -> Line:
        wanted = list(ids)
        lost = tuple(one for one in wanted if not self.outside.taken[one])
        return Line(what, len(wanted), len(wanted) - len(lost), lost, tuple(twice))

    def _excused(self, entry: Entry) -> bool:
        """Answered, and its trace was lost with the process that held it, or found no room."""
        killed = self.ledger.during(entry.at, (KILLED_VERSION,), UNSAVED)
        return killed or self.ledger.during(entry.at - AFTER_FULL, (FULL_DISK,), 2 * AFTER_FULL)

    def _infos(self) -> list[TraceInfo]:
        return [trace.info for trace in each(self.place, "timestamp_ms > 0")]

    def _questions(self) -> int:
        return self.place.app.gate.rows

    def _no_jobs(self) -> bool:
        return not any(one.state in jobs.LIVE and one.every is None for one in self._jobs())

    def _jobs(self, kind: str | None = None) -> list:
        query = select(database.job)
        with self.place.engine.connect() as connection:
            return list(connection.execute(query if kind is None else query.where(database.job.c.kind == kind)))


def defects(logs: Path) -> Counter[str]:
    """The last lines of the tracebacks in the console's own logs."""
    found: Counter[str] = Counter()
    for name, pattern in DEFECTS.items():
        for file in sorted(logs.glob(f"{name}*")):
            found.update(f"{name}: {line[:300]}" for line in pattern.findall(file.read_text("utf-8", "replace")))
    return found

"""The audit log is found in, told in words, taken out, and checked to its last line."""

import csv
import hashlib
import io
import json
import re
import zipfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select, text, update

from services import apps, audit, database
from services.audit import Verb, anchors, chain, exporting, searching, sentences, verifying, visits
from services.audit.chain import Kind
from services.audit.differences import differences
from services.audit.searching import AuditQuery
from services.audit.sentences import SAID, sentence, step
from services.database import event_log, now
from services.errors import ForbiddenError, InvalidInputError
from services.messages import Message, render
from services.people import Actor, Role
from tests.tampering import unguard


@pytest.fixture
def written(workspace):
    """Ten saves by ada, one by bob that failed, and one that nobody ended."""
    for number in range(1, 11):
        with audit.change(workspace, Verb.MOVE_ALIAS, "greeting", before=number - 1 or None, after=number, why="=cmd"):
            pass
    bob = replace(workspace, actor=Actor("bob", frozenset(Role)))
    with pytest.raises(InvalidInputError), audit.change(bob, Verb.SAVE_GATE, "support", {"rows": 1}, {"rows": 80}):
        raise InvalidInputError(Message("No."))
    with database.writing(workspace.engine) as connection:
        line = {"app_id": "support", "actor": "bob", "verb": "deploy", "subject": "support 3", "why": ""}
        chain.append(connection, line | {"before": None, "after": None, "outcome": "intent", "intent_id": None})
    return workspace


def edit(workspace, statement):
    with workspace.engine.begin() as connection:
        unguard(connection)
        connection.execute(statement)


def lines(workspace, **asked):
    return searching.search(workspace, AuditQuery(**asked)).lines


def test_every_verb_has_a_sentence():
    assert set(SAID) == set(Verb)
    written = Path(sentences.__file__).read_text("utf-8")
    assert [one.name for one in Verb if written.count(f"    Verb.{one.name}: mark(") > 1] == [], "the later one wins"


def test_a_change_is_one_line_and_pages_meet_without_gaps(written):
    first = searching.search(written, AuditQuery(app="support", limit=5))
    second = searching.search(written, AuditQuery(app="support", limit=5, before=first.lines[-1].id))
    back = searching.search(written, AuditQuery(app="support", limit=5, after=second.lines[0].id))
    assert [one.outcome for one in first.lines[:2]] == ["intent", "failed"]
    assert [one.after for one in (*first.lines[2:], *second.lines)] == [10, 9, 8, 7, 6, 5, 4, 3]
    assert back.lines == first.lines and not back.newer and first.older


def test_lines_are_found_by_person_kind_name_outcome_and_time(written):
    assert {one.actor for one in lines(written, actor="bob")} == {"bob"}
    assert len(lines(written, verbs=(Verb.MOVE_ALIAS,))) == 10
    assert len(lines(written, subject="gree")) == 10 and lines(written, subject="Gree%") == ()
    assert [one.verb for one in lines(written, outcome="intent")] == ["deploy"]
    assert [one.verb for one in lines(written, outcome="failed")] == ["save_gate"]
    assert lines(written, since=now() + timedelta(hours=1)) == ()
    assert lines(written, app="support", until=now() - timedelta(hours=1)) == ()
    assert set(searching.people(written)) == {"ada", "bob"}


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"app": "support"},
        {"actor": "nobody"},
        {"verbs": (Verb.ERASE_TRACES,)},
        {"subject": "none"},
        {"outcome": "failed"},
        {"since": now()},
    ],
)
def test_no_filter_reads_the_whole_table(workspace, asked):
    query = searching._select(workspace, AuditQuery(**asked))
    with workspace.engine.connect() as connection:
        compiled = query.compile(connection.engine, compile_kwargs={"render_postcompile": True})
        values = [compiled.params[name] for name in compiled.positiontup]
        values = [one.isoformat(" ") if isinstance(one, type(now())) else one for one in values]
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", tuple(values)).all()
    steps = [row[-1] for row in plan]
    assert all("INDEX" in one for one in steps if one.startswith(("SEARCH", "SCAN"))), steps
    assert not any("TEMP B-TREE" in one for one in steps) or "subject" in asked, steps


def test_a_line_is_a_sentence_in_the_readers_language(written):
    moved = lines(written, verbs=(Verb.MOVE_ALIAS,))[0]
    failed = lines(written, outcome="failed")[0]
    assert render(sentence(moved), "en") == "ada moved the production alias of the prompt greeting."
    assert step(moved) == (9, 10)
    assert render(sentence(failed), "en") == "bob tried: Saving the gate (support)."
    assert render(sentences.subject("release 3 is live"), "ja") == "リリース 3 の公開"
    assert sentences.subject("release 3 is odd") == "release 3 is odd"
    assert "greeting" in render(sentence(moved), "ja") and render(sentence(moved), "ja") != render(
        sentence(moved), "en"
    )
    assert [(render(one.path[0], "en"), one.before, one.after) for one in differences(failed)] == [
        ("Questions", "1", "80")
    ]


def test_every_subject_that_is_no_name_is_told_in_words():
    """A word of ours in a sentence of the log stands in the reader's language."""
    changes = re.compile(r'audit\.change\(\s*\w+,\s*Verb\.\w+,\s*"([^"]+)"')
    files = Path(sentences.__file__).parent.parent.rglob("*.py")
    found = {one for file in files for one in changes.findall(file.read_text("utf-8"))}
    assert "archive" in found and found <= sentences.SUBJECTS.keys()


def test_moved_traffic_is_told_as_shares_by_version(workspace):
    with audit.change(workspace, Verb.MOVE_TRAFFIC, "support", before={"1": 100}, after={"1": 90, "2": 10}):
        pass
    found = differences(lines(workspace, verbs=(Verb.MOVE_TRAFFIC,))[0])
    assert [tuple(render(part, "en") for part in (*one.path, one.before, one.after)) for one in found] == [
        ("Agent version 1", "100 %", "90 %"),
        ("Agent version 2", "0 %", "10 %"),
    ]


def test_only_who_may_read_the_log_reads_it(written):
    author = replace(written, actor=Actor("eve", frozenset({Role.AUTHOR, Role.VIEWER})))
    for act in (lambda: searching.search(author, AuditQuery()), lambda: exporting.to_csv(author, AuditQuery(), "en")):
        with pytest.raises(ForbiddenError):
            act()


def test_an_export_runs_nothing_in_a_spreadsheet_and_is_recorded(written):
    taken = exporting.to_csv(written, AuditQuery(verbs=(Verb.MOVE_ALIAS,)), "en")
    rows = list(csv.DictReader(io.StringIO(taken.decode("utf-8-sig"))))
    assert len(rows) == 10 and {row["why"] for row in rows} == {"'=cmd"}
    assert rows[0]["change"] == "Value: 9 → 10"
    assert lines(written, verbs=(Verb.EXPORT_AUDIT,))[0].after == {"lines": 10}


def test_a_whole_chain_is_told_with_its_newest_hash(written, finish):
    job = finish(written, verifying.start(written))
    found = verifying.verdict(job)
    assert found.whole and found.unfinished >= 1
    assert found.hash in str(verifying.told(found))


def test_a_changed_byte_a_gap_and_a_new_line_are_found_where_they_are(written):
    ids = [one.id for one in reversed(audit.events(written))]
    third, fifth = ids[3], ids[7]
    edit(written, update(event_log).where(event_log.c.id == third).values(why="=cme"))
    assert chain.scan(written.engine).breaks == (chain.Break(Kind.EDITED, third),)

    with written.engine.begin() as connection:
        connection.execute(update(event_log).where(event_log.c.id == third).values(why="=cmd"))
        connection.execute(delete(event_log).where(event_log.c.id == fifth))
    assert chain.scan(written.engine).breaks == (chain.Break(Kind.MISSING, fifth + 1),)

    with written.engine.begin() as connection:
        before = connection.execute(select(event_log).where(event_log.c.id == fifth - 1)).one()
        forged = {"app_id": "support", "actor": "ada", "verb": "deploy", "subject": "x", "why": "", "outcome": "done"}
        forged |= {"before": None, "after": None, "intent_id": None, "at": now(), "previous_hash": before.hash}
        connection.execute(insert(event_log).values(**forged, id=fifth, hash=chain.hash_of(forged)))
    assert chain.scan(written.engine).breaks == (chain.Break(Kind.REPLACED, fifth + 1),)


def test_a_value_that_can_no_longer_be_read_is_a_changed_line(written):
    third = audit.events(written)[3].id
    edit(written, text(f"UPDATE event SET after = '[1' WHERE id = {third}"))
    assert chain.scan(written.engine).breaks == (chain.Break(Kind.EDITED, third),)


def test_a_cut_tail_is_found_by_what_a_backup_or_a_person_knows(written, finish):
    newest = audit.events(written)[0]
    verifying.note_backup(written.settings.home, newest.id, newest.hash, now().isoformat())
    edit(written, delete(event_log).where(event_log.c.id >= newest.id))
    assert chain.scan(written.engine).breaks == ()
    assert [one.kind for one in chain.scan(written.engine, {newest.id: newest.hash}).breaks] == [Kind.CUT]

    job = finish(written, verifying.start(written, newest.id, "0" * 64))
    assert not verifying.verdict(job).whole
    with pytest.raises(InvalidInputError):
        verifying.start(written, 5, "no hash")


def keep(place, folder, id, known, content=None):
    """Evidence of a release as a file; returns its hash."""
    pack = folder / f"release-{id}-evidence.zip"
    with zipfile.ZipFile(pack, "w") as file:
        file.writestr("audit.json", json.dumps([{"id": line, "hash": hash} for line, hash in known.items()]))
    pack.write_bytes(content or pack.read_bytes())
    place.artifacts.log_artifact(str(pack), f"evidence/release-{id}/abc")
    return hashlib.sha256(pack.read_bytes()).hexdigest()


def test_only_evidence_that_the_log_names_is_an_anchor(written, tmp_path, finish, monkeypatch):
    newest = audit.events(written)[0]
    monkeypatch.setattr(anchors, "MOST_PACKS", 4)
    first = audit.events(written)[-1]
    keep(written, tmp_path, 98, {1: "a" * 64})  # of too long ago, but later as text
    packs = {
        99: keep(written, tmp_path, 99, {newest.id: newest.hash}),
        100: keep(written, tmp_path, 100, {}, b"damaged"),
        102: keep(written, tmp_path, 102, {newest.id: newest.hash, first.id: first.hash}),
    }
    keep(written, tmp_path, 101, {newest.id: "f" * 64})  # laid there by somebody
    for id, hash in packs.items():
        with audit.change(written, Verb.KEEP_EVIDENCE, f"release {id}", after={f"release-{id}-evidence.zip": hash}):
            pass
    found = anchors.gather(written, [])
    assert found.hashes == {newest.id: newest.hash, first.id: first.hash}
    assert (found.unread, found.unnamed, found.contradictions) == (1, 1, set())

    verifying.note_backup(written.settings.home, first.id, "0" * 64, now().isoformat())
    verifying.note_backup(written.settings.home, 0, "0" * 64, now().isoformat())
    done = verifying.verdict(finish(written, verifying.start(written)))
    assert done.breaks == (chain.Break(Kind.REWRITTEN, first.id),) and (done.unread, done.unnamed) == (1, 2)


def test_a_known_line_that_was_taken_out_with_all_hashes_made_anew_is_missed(written):
    gone, newest = audit.events(written)[-3], audit.events(written)[0].id
    with written.engine.connect() as connection:
        rows = connection.execute(select(event_log).where(event_log.c.id >= gone.id).order_by(event_log.c.id)).all()
    edit(written, delete(event_log).where(event_log.c.id >= gone.id))
    previous = rows[0].previous_hash
    with written.engine.begin() as connection:
        for row in rows[1:]:
            line = {key: value for key, value in row._mapping.items() if key not in ("id", "hash")}
            line["previous_hash"], previous = previous, chain.hash_of(line | {"previous_hash": previous})
            connection.execute(insert(event_log).values(**line, id=row.id, hash=previous))
    assert chain.scan(written.engine).breaks == ()
    found = chain.scan(written.engine, {gone.id: gone.hash, newest + 1: "0" * 64, newest + 2: "0" * 64}).breaks
    assert found == (
        chain.Break(Kind.MISSING, gone.id + 1), chain.Break(Kind.CUT, newest + 1), chain.Break(Kind.CUT, newest + 2),
    )  # fmt: skip


def test_a_time_that_is_a_number_is_a_changed_line(written):
    third = audit.events(written)[3].id
    edit(written, text(f"UPDATE event SET at = 5 WHERE id = {third}"))
    assert chain.scan(written.engine).breaks == (chain.Break(Kind.EDITED, third),)


def test_a_cut_export_says_so_in_the_file_and_in_the_log(written, monkeypatch):
    monkeypatch.setattr(exporting, "MOST", 10)
    query = AuditQuery(verbs=(Verb.MOVE_ALIAS,))
    assert "The list ends here" not in exporting.to_csv(written, query, "en").decode("utf-8-sig")
    monkeypatch.setattr(exporting, "MOST", 3)
    taken = exporting.to_csv(written, query, "en").decode("utf-8-sig")
    assert len(taken.splitlines()) == 5 and "The list ends here" in taken.splitlines()[-1]
    assert lines(written, verbs=(Verb.EXPORT_AUDIT,))[0].after == {"lines": 3, "cut": True}


def test_a_visit_tells_what_others_changed_meanwhile(workspace, monkeypatch):
    assert visits.began(workspace) is None
    bob = replace(workspace, actor=Actor("bob", frozenset(Role)))
    apps.save_gate(bob, replace(workspace.app.gate, rows=12))
    apps.save_gate(workspace, replace(workspace.app.gate, rows=13))
    assert visits.began(workspace) is None

    later = now() + timedelta(hours=2)
    monkeypatch.setattr(visits, "now", lambda: later)
    since = visits.began(workspace)
    assert since is not None and visits.began(workspace) == since
    assert [(one.actor, one.verb) for one in visits.changes(workspace, since)] == [("bob", "save_gate")]


def test_a_hundred_thousand_lines_are_paged_without_reading_them(workspace):
    rows = [
        {"at": now(), "app_id": "support", "actor": "ada", "verb": "save_draft", "subject": f"p{n}", "outcome": "done",
         "why": "", "previous_hash": "", "hash": str(n)} for n in range(100_000)
    ]  # fmt: skip
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    with workspace.engine.begin() as connection:
        connection.execute(insert(event_log), rows)
        connection.connection.driver_connection.set_progress_handler(count, 100)
    found = searching.search(workspace, AuditQuery(app="support", before=50_000))
    assert len(found.lines) == searching.PAGE and 0 < steps < 1_000  # in hundreds; the whole table takes far more

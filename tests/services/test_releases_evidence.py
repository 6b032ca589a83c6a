"""The evidence of a release: complete, readable, and broken by any change."""

import csv
import io
import json
import shutil
import subprocess
import zipfile
from dataclasses import asdict, replace
from pathlib import Path

import mlflow
import pytest

from services import apps, audit, datasets, prompts, releases, scorers
from services.apps import Gate
from services.database import now
from services.datasets import Row
from services.errors import ConflictError, NotFoundError, NotReadyError
from services.releases import Kind, Pair, State, evidence, records, steps
from services.scorers import ScorerSpec
from tests.evaluated import evaluated
from tests.standing import logged

NOTHING = Pair(None, None, None)
QUESTIONS = ("Where is my parcel?", "返品できますか", "=1+1 <b>free?</b>")


@pytest.fixture
def ready(workspace):
    """Two prompt versions, the dataset and the scorer that releases are judged on."""
    prompts.save(workspace, "greeting", "Be brief for {{company_name}}.", "")
    prompts.save(
        workspace, "greeting", "Be kind for {{company_name}}: {{tone}}.", "Warmer, token sk-abcdefghijklmnop1234"
    )
    made = datasets.create(workspace, "Questions", [Row("", one, critical=one == QUESTIONS[0]) for one in QUESTIONS])
    apps.choose_dataset(workspace, made.id)
    scorers.save(workspace, ScorerSpec("short", "length", {"shortest": 1, "longest": 500}))
    apps.save_gate(workspace, Gate({"short": 0.5}, rows=1))
    return workspace.for_app(apps.get(workspace, workspace.app.id))


@pytest.fixture
def went_live(ready):
    """A release that moved the alias from version 1 to version 2, judged against version 1."""
    agent = logged(ready, "greeting")
    evaluated(ready, agent, 1, [True, False, False])
    run = evaluated(ready, agent, 2, [True, True, False])
    moves = {"prompt": "greeting", "before": asdict(Pair(agent, 1, 1)), "after": asdict(Pair(agent, 1, 2))}
    id = records.add(ready, Kind.PROMPT, moves, "warmer words")
    judged = steps.candidate(ready, releases.get(ready, id))
    assert judged.evaluation.run_id == run
    records.set_findings(ready, releases.get(ready, id), [], steps.basis(judged))
    records.set_step(ready, id, "shift", state="done", started_at=now(), ended_at=now())
    with audit.change(ready, audit.Verb.START_RELEASE, f"release {id}"):
        records.set_state(ready, id, State.LIVE)
    return ready, id


def opened(workspace, kept):
    name = next(one for one in kept.hashes if one.endswith(".zip"))
    return zipfile.ZipFile(io.BytesIO(evidence.read(workspace, kept, name)))


def test_the_pack_holds_what_the_release_rests_on(went_live):
    workspace, id = went_live
    pack = opened(workspace, evidence.keep(workspace, id))
    read = {name: pack.read(name).decode("utf-8-sig") for name in pack.namelist()}
    sha256 = datasets.snapshot(workspace, workspace.app.dataset_id).sha256
    assert {"release.json", "audit.json", "gate.json", "environment.json", f"dataset/{sha256}.jsonl"} <= read.keys()
    assert "Be kind for" in read["prompt/after.txt"] and "Be brief for" in read["prompt/before.txt"]
    rows = list(csv.DictReader(io.StringIO(read["evaluation/candidate.csv"])))
    assert [one["short"] for one in rows] == ["True", "True", "False"]
    assert rows[2]["question"].startswith("'=1+1")
    assert json.loads(read["evaluation/candidate.json"])["spent"]["cost"] == 0.75
    verdict = json.loads(read["evaluation/verdict.json"])
    assert (verdict["better"], verdict["worse"], verdict["rows"]) == (1, 0, 3)
    assert json.loads(read["scorers.json"]) == [
        {"kind": "length", "name": "short", "settings": {"longest": 500, "shortest": 1}, "version": 1}
    ]
    assert (
        "start_release" in read["audit.json"] and json.loads(read["environment.json"])["mlflow"] == mlflow.__version__
    )


def test_the_notes_and_the_page_tell_it_in_both_languages_without_a_key(went_live):
    workspace, id = went_live
    kept = evidence.keep(workspace, id)
    pack = opened(workspace, kept)
    english, japanese = (pack.read(f"notes.{language}.md").decode() for language in ("en", "ja"))
    assert "Variables added: tone." in english and "warmer words" in english
    assert "SHA-256 hash" in english and "Scorer short, version 1." in english and "Made with python" in english
    assert "Cost: 0.7500 USD." in english
    assert "short: 66.7 %, judged 3 of 3 rows." in english
    assert f"Support のリリース {id}" in japanese and "tone" in japanese
    page = evidence.read(workspace, kept, f"release-{id}-evidence.html").decode()
    assert f"started release {id}." in page and "start_release" not in page
    assert "<ins>kind</ins>" in page and "&lt;b&gt;free?&lt;/b&gt;" in page and "<b>free?" not in page
    assert "返品できますか" in page and '<main lang="ja"' in page and "<script" not in page
    assert page.count("prefers-color-scheme") == page.count("@media screen and (prefers-color-scheme:dark)") == 1
    assert all("sk-abcdef" not in pack.read(name).decode("utf-8", "ignore") for name in pack.namelist())


def test_the_same_facts_are_kept_once_and_their_hashes_are_chained(went_live):
    workspace, id = went_live
    kept = evidence.keep(workspace, id)
    assert evidence.keep(workspace, id) == kept == evidence.find(workspace, id)
    assert [one.outcome for one in audit.about(workspace, f"release {id}", audit.Verb.KEEP_EVIDENCE)] == [
        "intent",
        "done",
    ]
    assert audit.broken_at(workspace.engine) is None


@pytest.fixture
def folder(went_live, tmp_path):
    """The three files as somebody downloads them."""
    workspace, id = went_live
    kept = evidence.keep(workspace, id)
    place = tmp_path / "download"
    place.mkdir()
    for name in kept.hashes:
        (place / name).write_bytes(evidence.read(workspace, kept, name))
    return place


def checked(folder):
    sums = next(folder.glob("*.sha256"))
    return subprocess.run(["sha256sum", "--quiet", "-c", sums.name], cwd=folder, capture_output=True).returncode == 0


def rewritten(folder, change):
    """The ZIP with `change` done to its files."""
    file = next(folder.glob("*.zip"))
    with zipfile.ZipFile(file) as pack:
        content = {name: pack.read(name) for name in pack.namelist()}
    change(content)
    with zipfile.ZipFile(file, "w") as pack:
        for name, one in content.items():
            pack.writestr(name, one)


def flip_byte(content):
    content["release.json"] = content["release.json"].replace(b"warmer", b"colder")


def rename(content):
    content["gate2.json"] = content.pop("gate.json")


@pytest.mark.parametrize(
    "change",
    [flip_byte, rename, lambda content: content.pop("notes.en.md"), lambda content: content.update({"extra": b""})],
    ids=["changed", "renamed", "missing", "added"],
)
def test_sha256sum_alone_finds_any_change(folder, change):
    assert checked(folder)
    rewritten(folder, change)
    assert not checked(folder)


def test_sha256sum_finds_a_missing_page_and_checks_the_unpacked_files_too(folder, tmp_path):
    with zipfile.ZipFile(next(folder.glob("*.zip"))) as pack:
        pack.extractall(tmp_path / "unpacked")
    shutil.copy(tmp_path / "unpacked" / "SHA256SUMS", tmp_path / "unpacked" / "sums.sha256")
    assert checked(tmp_path / "unpacked")
    next(folder.glob("*.html")).unlink()
    assert not checked(folder)


def test_a_file_that_was_changed_where_it_is_kept_is_not_handed_out(went_live):
    workspace, id = went_live
    kept = evidence.keep(workspace, id)
    stored = next(Path(workspace.settings.home).rglob(f"release-{id}-evidence.html"))
    stored.write_text("Everything was fine.")
    with pytest.raises(ConflictError, match="was changed after it was kept"):
        evidence.read(workspace, kept, stored.name)
    stored.unlink()
    with pytest.raises(NotFoundError):
        evidence.read(workspace, kept, stored.name)


def test_evidence_kept_late_tells_what_was_judged_then(went_live):
    workspace, id = went_live
    apps.save_gate(workspace, Gate({"short": 0.9}, rows=50))
    found = datasets.rows(workspace, workspace.app.dataset_id)
    datasets.save_rows(workspace, workspace.app.dataset_id, [*found, Row("", "Another one?")])
    pack = opened(workspace.for_app(apps.get(workspace, "support")), evidence.keep(workspace, id))
    assert json.loads(pack.read("gate.json"))["minimum"] == {"short": 0.5}
    assert json.loads(pack.read("evaluation/verdict.json"))["rows"] == 3


def test_two_who_keep_it_at_once_leave_evidence_that_can_be_read(went_live, monkeypatch):
    workspace, id = went_live
    gather = evidence.gather

    def gather_while_another_keeps_it(*arguments):
        monkeypatch.setattr(evidence, "gather", gather)
        evidence.keep(workspace, id)
        return gather(*arguments)

    monkeypatch.setattr(evidence, "gather", gather_while_another_keeps_it)
    kept = evidence.keep(workspace, id)
    assert all(evidence.read(workspace, kept, name) for name in kept.hashes)


def test_a_private_key_in_an_answer_cuts_nothing_off(went_live):
    workspace, id = went_live
    notes = "a\n-----BEGIN PRIVATE KEY-----\nMIIabc\n、キーはsk-abcdefghijklmnopqrstuvwx"
    moves = records.moves_of(releases.get(workspace, id))
    late = records.add(workspace, Kind.PROMPT, moves, notes)
    records.set_state(workspace, late, State.LIVE)
    pack = opened(workspace, evidence.keep(workspace, late))
    assert json.loads(pack.read("release.json"))["why"] == "a\n…、キーは…"
    assert "SHA-256" in pack.read("index.html").decode() and "MIIabc" not in pack.read("index.html").decode()


def test_only_a_release_that_went_live_has_evidence(ready):
    id = records.add(
        ready, Kind.PROMPT, {"prompt": "greeting", "before": asdict(NOTHING), "after": asdict(NOTHING)}, ""
    )
    with pytest.raises(NotReadyError):
        evidence.keep(ready, id)
    assert evidence.find(ready, id) is None


def test_a_rollback_whose_prompt_is_gone_still_has_evidence(ready):
    moves = {"prompt": "gone", "before": asdict(Pair("m-9", 2, 9)), "after": asdict(Pair("m-8", 1, 8)), "undoes": 1}
    id = records.add(ready, Kind.ROLLBACK, moves, "it insulted people")
    records.set_state(ready, id, State.LIVE)
    notes = opened(ready, evidence.keep(ready, id)).read("notes.en.md").decode()
    assert "It took release 1 back." in notes and "it insulted people" in notes
    assert replace(releases.get(ready, id)).state is State.LIVE

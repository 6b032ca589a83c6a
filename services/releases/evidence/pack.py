"""The evidence as files: one ZIP, one page to read, and the list of hashes that `sha256sum -c` checks."""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from typing import Any

from services.agents import AgentVersion
from services.datasets.exporting import neutral
from services.messages import LANGUAGES, Message
from services.prompts import PromptVersion
from services.releases.evidence import notes, report
from services.releases.evidence.facts import Facts, Judged, Side
from services.releases.facts import Release
from services.secrets import masked

# A file's time in the ZIP; the same facts make the same bytes.
WRITTEN = (1980, 1, 1, 0, 0, 0)
# What a release is doing right now is no evidence.
OF_THE_MOMENT = ("working", "stopping", "revision", "job_id")


@dataclass(frozen=True)
class Pack:
    """The three files of a release's evidence, by their name."""

    files: Mapping[str, bytes]

    @property
    def hashes(self) -> dict[str, str]:
        return {name: _sha256(content) for name, content in self.files.items()}


def name(id: int, ending: str) -> str:
    return f"release-{id}-evidence.{ending}"


def made(facts: Facts) -> Pack:
    """Everything in one ZIP. A byte changed in it, a file added, missing or renamed: its hash is another one."""
    files = dict(sorted(_files(facts)))
    hashes = {path: _sha256(content) for path, content in files.items()}
    page = masked(report.page(facts, hashes)).encode()
    files |= {"SHA256SUMS": _sums(hashes), "index.html": page}
    id = facts.release.id
    parts = {name(id, "zip"): _zipped(files), name(id, "html"): page}
    return Pack(parts | {name(id, "sha256"): _sums({one: _sha256(content) for one, content in parts.items()})})


def _files(facts: Facts) -> Iterator[tuple[str, bytes]]:
    yield "release.json", _json(_release(facts.release))
    for side, found in (("before", facts.before), ("after", facts.after)):
        yield from _side(side, found)
    for which, judged in (("candidate", facts.judged), ("baseline", facts.baseline)):
        if judged is not None:
            yield from _judged(which, judged)
    if facts.verdict is not None:
        yield "evaluation/verdict.json", _json(facts.verdict)
    if facts.judged is not None and facts.dataset is not None:
        # As it was hashed when it was frozen: nothing in it may be changed.
        yield f"dataset/{facts.judged.evaluation.dataset_sha256}.jsonl", facts.dataset
    yield "scorers.json", _json(facts.scorers)
    yield "gate.json", _json(facts.gate)
    yield "audit.json", _json(facts.events)
    yield "environment.json", _json(facts.environment)
    for language in LANGUAGES:
        yield f"notes.{language}.md", masked(notes.markdown(facts, language)).encode()


def _release(release: Release) -> dict[str, Any]:
    whole: dict[str, Any] = _told(release)
    return {name: value for name, value in whole.items() if name not in OF_THE_MOMENT}


def _side(side: str, found: Side) -> Iterator[tuple[str, bytes]]:
    if found.prompt is not None:
        yield f"prompt/{side}.json", _json(_prompt(found.prompt))
        yield f"prompt/{side}.txt", masked(found.prompt.template).encode()
    if found.agent is not None:
        yield f"agent/{side}.json", _json(_agent(found.agent))


def _prompt(prompt: PromptVersion) -> dict[str, Any]:
    facts = {"name": prompt.name, "version": prompt.version, "author": prompt.author, "note": prompt.note}
    if prompt.origin is not None:
        facts |= {"written_by": prompt.origin.author, "written_at": prompt.origin.time}
    return facts | {"created_at": prompt.created_at, "base": prompt.base, "content": prompt.content.to_json()}


def _agent(agent: AgentVersion) -> dict[str, Any]:
    return {
        "model_id": agent.model_id,
        "name": agent.name,
        "registered": agent.registered,
        "prompt": agent.prompt_name,
        "pinned": agent.pinned,
        "created_at": agent.created_at,
        "config": dict(agent.config),
    }


def _judged(which: str, judged: Judged) -> Iterator[tuple[str, bytes]]:
    yield f"evaluation/{which}.json", _json(_told(judged.evaluation) | {"spent": judged.spent})
    cells = judged.rows.copy()
    for column in cells.select_dtypes(include=["object", "string"]):
        cells[column] = [neutral(masked(one)) if isinstance(one, str) else one for one in cells[column]]
    yield f"evaluation/{which}.csv", cells.to_csv(index=False).encode("utf-8-sig")


def _json(value: Any) -> bytes:
    return (json.dumps(_told(value), ensure_ascii=False, indent=2, sort_keys=True, default=str) + "\n").encode()


def _told(value: Any) -> Any:
    """Records as plain values, their messages as sentences, each text without what looks like a key."""
    if isinstance(value, Message | str):
        return masked(str(value))
    if isinstance(value, datetime):
        return value.isoformat()
    if is_dataclass(value):
        return {one.name: _told(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {masked(str(name)): _told(one) for name, one in value.items()}
    return [_told(one) for one in value] if isinstance(value, list | tuple) else value


def _sums(hashes: Mapping[str, str]) -> bytes:
    return "".join(f"{sha256}  {path}\n" for path, sha256 in hashes.items()).encode()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _zipped(files: Mapping[str, bytes]) -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(zipfile.ZipInfo(path, WRITTEN), content, zipfile.ZIP_DEFLATED)
    return kept.getvalue()

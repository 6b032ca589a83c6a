"""Traces as an app leaves them, the same for the same numbers: Japanese and English, two scorers, feedback, errors.

They are facts of the read model, and can be written to MLflow's SQLite store as rows that MLflow itself would have written.
"""

import base64
import json
import math
import random
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from services import streaming
from services.readmodel.facts import NANO, PEOPLE, PRODUCTION, Fact, Mark
from services.traces.rows import ORIGIN_TAG

DAY = 86_400_000
MODELS, PROMPTS = 6, 12
JA = [
    "ご注文",
    "返品手続き",
    "配送状況",
    "請求書",
    "会員登録",
    "保証期間",
    "在庫",
    "クーポン",
    "二段階認証",
    "領収書",
    "解約",
    "初期設定",
    "充電器",
    "通知設定",
]
JA_END = [
    "についてお知らせください。",
    "はマイページからお手続きいただけます。",
    "は三営業日以内にご連絡いたします。",
    "を確認しております。",
]
EN = [
    "the order",
    "your account",
    "the invoice",
    "a return request",
    "the delivery",
    "the warranty",
    "two-factor login",
    "the billing address",
]
EN_END = (
    " can be updated from the settings page.| was confirmed last week.| depends on the regional policy.| is reviewed."
)
BATCH = 5_000
PLACE = "mlflow.trace.spansLocation"


@dataclass(frozen=True)
class Made:
    """How many traces, over how many days until `end` (milliseconds)."""

    count: int
    end: int
    days: int = 30
    words: bool = True


def traces(made: Made) -> Iterator[Fact]:
    """Oldest first; more by day than by night."""
    step = made.days * DAY / made.count
    for number in range(made.count):
        chance = random.Random(made.count * 1_000_003 + number)
        even = made.end - made.days * DAY + (number + chance.random() / 2) * step
        at = int(min(even + math.sin(2 * math.pi * even / DAY) * DAY / 20, made.end - 1))
        yield one(made, number, max(at, made.end - made.days * DAY), chance)


def one(made: Made, number: int, at: int, chance: random.Random) -> Fact:
    share = number / made.count
    broken = chance.random() < 0.01
    sent, got = 900 + chance.randrange(400), 0 if broken else chance.randrange(50, 400)
    japanese = chance.random() < 0.6
    return Fact(
        trace_id=f"tr-{made.count:08x}{number:024x}",
        at=at,
        millis=int(min(max(chance.lognormvariate(7.5, 0.55), 80), 60_000)),
        state="ERROR" if broken else "OK",
        origin="live",
        model_id=f"m-{1 + int(share * MODELS):032x}",
        prompts=(("support_answer", 1 + int(share * PROMPTS)),),
        user="",
        session=f"s-{number // 4}",
        question=said(chance, japanese, f"{order_of(number)} ") if made.words else "",
        answer="" if broken or not made.words else said(chance, japanese, ""),
        tokens_in=sent,
        tokens_out=got,
        tokens=sent + got,
        cost=(sent * 150 + got * 600),
        settled=True,
        marks=tuple(marks(chance)),
        first=40 + number % 600 if number % 3 == 0 and not broken else None,
    )


def order_of(number: int) -> str:
    """A number that stands in one question only."""
    return str(10_000_000 + number * 7)


def said(chance: random.Random, japanese: bool, begin: str) -> str:
    starts, ends = (JA, JA_END) if japanese else (EN, EN_END.split("|"))
    return begin + "".join(chance.choice(starts) + chance.choice(ends) for _ in range(chance.randrange(4, 10)))


def marks(chance: random.Random) -> Iterator[Mark]:
    relevant = float(chance.random() < 0.9)
    yield Mark("relevance", PRODUCTION, relevant, True, False, True, relevant, "")
    quality = round(min(max(chance.gauss(0.75, 0.14), 0), 1), 3)
    yield Mark("quality", PRODUCTION, quality, False, False, True, quality, "")
    if chance.random() < 0.05:
        helpful = float(chance.random() < 0.7)
        yield Mark("helpful", PEOPLE, helpful, True, False, True, helpful, "someone")


def write(store: str, experiment_id: str, facts: Iterable[Fact]) -> None:
    """Add the traces to MLflow's SQLite file, each with one span that carries its cost."""
    with sqlite3.connect(store) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        for fact in facts:
            add(connection, int(experiment_id), fact)


def add(connection: sqlite3.Connection, experiment: int, fact: Fact) -> None:
    insert(
        connection,
        "trace_info",
        request_id=fact.trace_id,
        experiment_id=experiment,
        timestamp_ms=fact.at,
        execution_time_ms=fact.millis,
        status=fact.state,
        request_preview=fact.question,
        response_preview=fact.answer,
        db_payload_generation=1,
        trace_name="predict",
        session_id=fact.session,
        input_tokens=fact.tokens_in,
        output_tokens=fact.tokens_out,
        total_tokens=fact.tokens,
        total_cost=(fact.cost or 0) / NANO,
    )
    links = json.dumps([{"name": name, "version": str(version)} for name, version in fact.prompts])
    for key, value in ((ORIGIN_TAG, fact.origin), ("mlflow.linkedPrompts", links), (PLACE, "TRACKING_STORE")):
        insert(connection, "trace_tags", request_id=fact.trace_id, key=key, value=value)
    told = {"mlflow.modelId": fact.model_id, "mlflow.trace.infoFinalized": "true"}
    told |= {} if fact.first is None else {streaming.FIRST: str(fact.first)}
    for key, value in told.items():
        insert(connection, "trace_request_metadata", request_id=fact.trace_id, key=key, value=value)
    add_span(connection, experiment, fact)
    for position, mark in enumerate(fact.marks):
        add_mark(connection, experiment, fact, position, mark)


def add_span(connection: sqlite3.Connection, experiment: int, fact: Fact) -> None:
    began = fact.at * 1_000_000
    ended = began + (fact.millis or 0) * 1_000_000
    insert(
        connection,
        "spans",
        trace_id=fact.trace_id,
        experiment_id=experiment,
        span_id=fact.trace_id[-16:],
        name="predict",
        type="AGENT",
        status=fact.state,
        start_time_unix_nano=began,
        end_time_unix_nano=ended,
        content=json.dumps(span(fact, began, ended), ensure_ascii=False),
        total_cost=(fact.cost or 0) / NANO,
    )


def span(fact: Fact, began: int, ended: int) -> dict[str, object]:
    """As MLflow stores it: binary ids, attributes as JSON."""
    attributes = {
        "mlflow.traceRequestId": fact.trace_id,
        "mlflow.spanType": "AGENT",
        "mlflow.spanInputs": {"input": [{"role": "user", "content": fact.question}]},
        "mlflow.spanOutputs": {
            "output": [{"type": "message", "content": [{"type": "output_text", "text": fact.answer}]}]
        },
    }
    return {
        "trace_id": base64.b64encode(bytes.fromhex(fact.trace_id.removeprefix("tr-"))).decode(),
        "span_id": base64.b64encode(bytes.fromhex(fact.trace_id[-16:])).decode(),
        "parent_span_id": None,
        "name": "predict",
        "start_time_unix_nano": began,
        "end_time_unix_nano": ended,
        "events": [],
        "links": [],
        "status": {"code": f"STATUS_CODE_{fact.state}", "message": ""},
        "attributes": {key: json.dumps(value, ensure_ascii=False) for key, value in attributes.items()},
    }


def add_mark(connection: sqlite3.Connection, experiment: int, fact: Fact, position: int, mark: Mark) -> None:
    value = bool(mark.value) if mark.binary else mark.value
    given = fact.at + (fact.millis or 0) + 30_000
    insert(
        connection,
        "assessments",
        assessment_id=f"a-{fact.trace_id[3:]}{position}",
        trace_id=fact.trace_id,
        name=mark.name,
        assessment_type="feedback",
        value=json.dumps(value),
        created_timestamp=given,
        last_updated_timestamp=given,
        source_type="HUMAN" if mark.person else "CODE",
        source_id=mark.person or "signalbox",
        valid=True,
        experiment_id=experiment,
        trace_timestamp_ms=fact.at,
        aggregate_value=mark.value,
        is_numeric_value=not mark.binary,
    )


def insert(connection: sqlite3.Connection, table: str, **row: object) -> None:
    words = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})"
    connection.execute(words, list(row.values()))

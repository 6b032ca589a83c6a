"""The steps of a probe: load the file, one question, a stream, two conversations, a request without a message."""

from pathlib import Path
from typing import Any

import mlflow
from mlflow.models.utils import _load_model_code_path

from services.processes.probe.forms import Talk
from services.processes.probe.keeping import keeper
from services.processes.probe.kinds import Chat, Plain, Responses, Spoken, item_text, spoken_by
from services.processes.probe.notes import UNFORESEEN, Mismatch, Notes, UnknownForm, attempt

MOST_EVENTS = 20_000


def probe(folder: Path, given: dict[str, Any], notes: Notes) -> None:
    """Every step in turn; the first that fails ends the run, since the later ones rest on it."""
    file, config = str(folder / "agent.py"), given["config"]
    with attempt(file) as loading:
        agent = _load_model_code_path(file, config)
    if loading.error is not None:
        return tell_loading(loading, notes)
    with attempt(file) as saving:
        found = spoken_by(agent, file, config, folder, given["artifacts"])
    if saving.error is not None:
        return notes.add(saving.outside or "not_accepted", saving.line, reason=saving.reason)
    if found is None:
        return notes.add("other_kind")
    kind, spoken = found
    notes.write(kind=kind, streams=spoken.streams, step="ask")
    if not answers(spoken, file, given["question"], notes):
        return None
    notes.write(taken=spoken.taken if isinstance(spoken, Plain) else {})
    if spoken.streams:
        notes.write(step="stream")
        try_stream(spoken, file, given["question"], notes)
    notes.write(step="talk")
    try_two(spoken, file, given["words"], notes)
    notes.write(step="empty")
    try_empty(spoken, file, notes)
    return None


def tell_loading(loading: attempt, notes: Notes) -> None:
    cause = loading.cause
    if isinstance(cause, mlflow.MlflowException) and "set_model" in str(cause):
        notes.add("no_set_model")
    elif isinstance(cause, mlflow.MlflowException) and str(cause).startswith("Model should either be"):
        notes.add("other_kind", loading.line)
    elif isinstance(cause, ModuleNotFoundError):
        notes.add("no_module", loading.line, name=str(cause.name))
    else:
        notes.add(loading.outside or "not_loaded", loading.line, reason=loading.reason)


def answers(spoken: Spoken, file: str, question: str, notes: Notes) -> bool:
    with attempt(file) as asking:
        text, _ = spoken.ask([turn(question)], "check-0")
    if asking.error is not None:
        tell_answer(asking, "", notes)
        return False
    if not text.strip():
        notes.add("no_text")
    return True


def tell_answer(asking: attempt, part: str, notes: Notes) -> None:
    error = asking.error
    if isinstance(error, Mismatch):
        notes.add("wrong_stream" if part == "stream" else "wrong_answer", expected=error.expected, reason=str(error))
    elif isinstance(error, UnknownForm):
        notes.add("unknown_form")
    elif asking.outside:
        notes.add(asking.outside, asking.line, reason=asking.reason)
    else:
        notes.add(f"failed_{part or 'answer'}", asking.line, reason=asking.reason)


def try_stream(spoken: Spoken, file: str, question: str, notes: Notes) -> None:
    events: list[dict[str, Any]] = []
    with attempt(file) as asking:
        for event in spoken.stream([turn(question)]):
            events.append(event)
            if len(events) > MOST_EVENTS:
                return notes.add("endless_stream", n=str(MOST_EVENTS))
    if asking.error is not None:
        return tell_answer(asking, "stream", notes)
    look = look_at_events if isinstance(spoken, Responses) else look_at_chunks
    return look(events, notes)


def look_at_events(events: list[dict[str, Any]], notes: Notes) -> None:
    """Pieces under one id, then the whole item under the same id."""
    pieces: dict[str, str] = {}
    for event in events:
        if event.get("type") == "response.output_text.delta":
            pieces[event["item_id"]] = pieces.get(event["item_id"], "") + event["delta"]
    done = [event["item"] for event in events if event.get("type") == "response.output_item.done"]
    whole = {str(item.get("id")): item_text(item) for item in done if isinstance(item, dict)}
    if not done:
        return notes.add("stream_without_end")
    if any(id not in whole for id in pieces):
        return notes.add("stream_ids")
    if any(whole[id] != text for id, text in pieces.items()):
        return notes.add("stream_text")
    return None


def look_at_chunks(chunks: list[dict[str, Any]], notes: Notes) -> None:
    """Pieces of one message carry one id."""
    told = [chunk["delta"] for chunk in chunks if chunk["delta"].get("content")]
    if not told:
        return notes.add("stream_empty")
    if len(told) > 1 and len({one.get("id") for one in told}) == len(told):
        return notes.add("stream_ids_of_chunks")
    return None


def try_two(spoken: Spoken, file: str, words: list[str], notes: Notes) -> None:
    """Two conversations in turn and then a stranger: nobody reads what another said."""
    talks: list[Talk] = [[], []]
    ids: list[str] = []
    for round in range(2):
        for number, word in enumerate(words):
            talk = talks[number]
            talk.append(turn(f"My word is {word}. Which word is mine?" if round == 0 else "Say my word once more."))
            with attempt(file) as asking:
                text, new = spoken.ask(list(talk), f"check-{word}")
            if asking.error is not None:
                return tell_answer(asking, "talk", notes)
            if words[1 - number] in text:
                return notes.add("leak", word=words[1 - number])
            ids += new
            talk.append(
                {"role": "assistant", "content": text or "…"}
                | ({"id": f"a{round}"} if isinstance(spoken, Chat) else {})
            )
    with attempt(file) as asking:
        text, new = spoken.ask([turn("Which words were said to you before this?")], "check-stranger")
    if asking.error is not None:
        return tell_answer(asking, "talk", notes)
    leaked = [word for word in words if word in text]
    if leaked:
        return notes.add("leak", word=leaked[0])
    if len(set(ids + new)) < len(ids + new):
        notes.add("same_ids")
    kept = keeper(spoken.agent, words)
    if kept:
        notes.add("kept", name=kept)
    return None


def try_empty(spoken: Spoken, file: str, notes: Notes) -> None:
    """A request without a message: an answer or a deliberate refusal, but no accident."""
    with attempt(file) as asking:
        spoken.ask([], "check-empty")
    if isinstance(asking.cause, UNFORESEEN) and asking.line is not None:
        notes.add("failed_empty", asking.line, reason=asking.reason)


def turn(content: str) -> dict[str, Any]:
    return {"role": "user", "content": content}

"""When the first words of a streamed answer left, as its trace tells it."""

from collections.abc import Iterable, Mapping
from typing import Any

# The agents that this program logs and serves say it of the whole trace, where lists and charts read it.
FIRST = "signalbox.first_token_ms"
# MLflow keeps what a traced stream gave, piece by piece, as events of its span.
PIECE, GIVEN = "mlflow.chunk.item.", "mlflow.chunk.value"
EVENTS_OF_ANSWERS, WORDS = '"response.', '"response.output_text.delta"'
LONGEST_MS = 7 * 24 * 3_600_000


def told(said: str | None) -> int | None:
    """Milliseconds; None where nobody says, or where it is no time of an answer."""
    millis = int(said) if said and said.isascii() and said.isdecimal() and len(said) < 10 else None
    return millis if millis is not None and millis <= LONGEST_MS else None


def of_span(span: Mapping[str, Any]) -> int | None:
    """Milliseconds from the beginning of the root span to its first piece with words; None if it was not streamed.

    Of a stream of a ResponsesAgent's events, those count that carry text; of any other its first piece.
    """
    began, events = span.get("start_time_unix_nano"), span.get("events")
    pieces = list(_pieces(events)) if isinstance(events, list) else []
    worded = [at for at, given in pieces if WORDS in given]
    first = worded or [at for at, given in pieces[:1] if EVENTS_OF_ANSWERS not in given]
    if not first or not isinstance(began, int):
        return None
    return told(str((first[0] - began) // 1_000_000))


def _pieces(events: list[Any]) -> Iterable[tuple[int, str]]:
    for event in events:
        name, at = (event.get("name"), event.get("time_unix_nano")) if isinstance(event, dict) else (None, None)
        if isinstance(name, str) and name.startswith(PIECE) and isinstance(at, int):
            given = event.get("attributes")
            yield at, str(given.get(GIVEN, "")) if isinstance(given, dict) else ""

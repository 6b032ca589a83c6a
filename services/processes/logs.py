"""Log lines without keys, as text or as one JSON object a line."""

import json
import logging
import os
from datetime import UTC, datetime

from services.secrets import keys_of, masked

TEXT, JSON = "text", "json"
LINE = "%(asctime)s %(levelname)s %(name)s %(message)s"


class KeylessFormatter(logging.Formatter):
    """Takes out whatever is or looks like a key, also keys that the environment forgets after the start."""

    def __init__(self) -> None:
        super().__init__(LINE)
        self.keys = keys_of(os.environ)

    def format(self, record: logging.LogRecord) -> str:
        return self.clean(super().format(record))

    def clean(self, text: str) -> str:
        for key in self.keys:
            text = text.replace(key, "…")
        return masked(text)


class JsonFormatter(KeylessFormatter):
    """One object a line, for programs that collect logs."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": self.clean(record.getMessage()),
        }
        if record.exc_info:
            told["error"] = self.clean(self.formatException(record.exc_info))
        return json.dumps(told, ensure_ascii=False)


def formatter(form: str) -> logging.Formatter:
    return JsonFormatter() if form == JSON else KeylessFormatter()


def start(form: str, *handlers: logging.Handler) -> None:
    """Have this process log in this form, to standard error without `handlers`."""
    used = handlers or (logging.StreamHandler(),)
    for handler in used:
        handler.setFormatter(formatter(form))
    logging.basicConfig(level=logging.INFO, handlers=used, force=True)
    # It would write each address that something is sent to, and some are keys.
    logging.getLogger("httpx2").setLevel(logging.WARNING)

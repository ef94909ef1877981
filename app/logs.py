"""Structured logs: one JSON object a line for machines, one plain line for people."""

import json
import logging
import sys
from typing import Any

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def set_up_logs(level: str, style: str) -> None:
    """Send everything to standard error; `auto` is plain text on a terminal and JSON elsewhere."""
    is_json = style == "json" or (style == "auto" and not sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if is_json else TextFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # The broker library reports every start and stop of its threads.
    logging.getLogger("dramatiq").setLevel(logging.WARNING)
    handler.addFilter(_is_worth_a_line)
    logging.getLogger("peewee").setLevel(logging.WARNING)


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    """Leave out what each of the broker's threads says every few seconds while Redis is away."""
    return not str(record.msg).startswith("Consumer encountered a connection error")


class JsonFormatter(logging.Formatter):
    """Writes a record with all its extra fields as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Render one record."""
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_extra(record),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """Writes time, level and message, then the extra fields as key=value."""

    def format(self, record: logging.LogRecord) -> str:
        """Render one record."""
        time = self.formatTime(record, "%H:%M:%S")
        extra = "".join(f" {key}={value}" for key, value in _extra(record).items())
        line = f"{time} {record.levelname.lower():7} {record.getMessage()}{extra}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {key: value for key, value in vars(record).items() if key not in _STANDARD}

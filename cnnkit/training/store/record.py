"""Records that files hold as JSON: read into their types, or refused with the reason.

A record is a frozen dataclass. Keys that it does not know are passed over, so that a file of a
later version can be read; a key that an earlier version did not write has a default.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

T = TypeVar("T")


class DamagedRecordError(ValueError):
    """Text is not the record that it is taken for; the message says why."""


def parse(kind: type[T], text: str | bytes) -> T:
    """The record of a type that is written in JSON.

    Args:
        kind: A dataclass; a field of another name in the JSON has it as its ``alias``.
        text: The JSON.

    Raises:
        DamagedRecordError: It is no JSON, a key is missing, or a value of another type.
    """
    try:
        record: T = _adapter(kind).validate_json(text, strict=True)
    except ValidationError as error:
        if error.errors()[0]["type"] != "json_invalid":
            raise DamagedRecordError(_reason(error)) from None
        record = _of_python(kind, text, _reason(error))
    return record


def _of_python(kind: type[T], text: str | bytes, reason: str) -> T:
    """A record with names of files that are no text, which are JSON to Python alone."""
    try:
        record: T = _adapter(kind).validate_python(json.loads(text))
    except ValidationError as error:
        raise DamagedRecordError(_reason(error)) from None
    except ValueError:
        raise DamagedRecordError(reason) from None
    return record


_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)


def _reason(error: ValidationError) -> str:
    """What is missing, else the first value that is wrong."""
    faults = error.errors(include_url=False, include_context=False)
    missing = [fault for fault in faults if fault["type"] == "missing"]
    if missing:
        return f"it has no {', '.join(_place(fault['loc']) for fault in missing)}"
    first = faults[0]
    where = _place(first["loc"])
    what = first["msg"][:1].lower() + first["msg"][1:]
    return f"`{where}`: {what}" if where else what


def _place(path: tuple[int | str, ...]) -> str:
    return ".".join(map(str, path))

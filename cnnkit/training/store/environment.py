"""What a run was made with, as ``environment.json`` keeps it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from cnnkit.training.store.record import parse


@dataclass(frozen=True)
class Environment:
    """What is to be known to make a run again; what a file does not say is empty or None.

    Attributes:
        versions: Those of all that computes, by name; each is a key of the file.
        system: The operating system.
        processors: How many there are.
        devices: What the devices are called.
        variables: The environment variables that JAX reads.
        command: The command line.
        started: When, as ISO 8601.
        options: What the run was told beside its spec.
    """

    versions: Mapping[str, str] = field(default_factory=dict)
    system: str | None = None
    processors: int | None = None
    devices: tuple[str, ...] | None = None
    variables: Mapping[str, str] | None = None
    command: tuple[str, ...] | None = None
    started: str | None = None
    options: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it; what is not known is left out."""
        kept = {name: getattr(self, name) for name in _NAMES}
        plain = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in kept.items()
            if value is not None
        }
        return {**self.versions, **plain}

    @classmethod
    def from_json(cls, text: str) -> Environment:
        """What ``to_dict`` gave.

        Raises:
            DamagedRecordError: It is no such record.
        """
        kept = json.loads(text)
        versions = {
            name: value
            for name, value in kept.items()
            if name not in _NAMES and isinstance(value, str)
        }
        known = {name: kept[name] for name in _NAMES if name in kept}
        return parse(cls, json.dumps({**known, "versions": versions}))


_NAMES = tuple(each.name for each in fields(Environment) if each.name != "versions")

"""What a run is told beside its spec."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cnnkit.folders import StrPath
from cnnkit.training.prepare.device import DeviceName
from cnnkit.training.store.directory import RunDirectory


@dataclass(frozen=True)
class Options:
    """What a run is told beside its spec; kept with it, so that it goes on the same way.

    Attributes:
        data_dir: Where the published data sets lie; None for the usual place.
        device: What it runs on.
        limit: How many examples of each split are used; None for all.
        test: Whether the test split is opened at the end.
    """

    data_dir: StrPath | None = None
    device: DeviceName = "auto"
    limit: int | None = None
    test: bool = False

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it; the folder from the root, for a run may go on from another place."""
        folder = None if self.data_dir is None else str(Path(self.data_dir).absolute())
        return {
            "data_dir": folder,
            "device": self.device,
            "limit": self.limit,
            "test": self.test,
        }

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Options:
        """What ``to_dict`` gave; what is missing is as by default."""
        folder = kept.get("data_dir")
        return cls(
            None if folder is None else Path(folder),
            kept.get("device", "auto"),
            kept.get("limit"),
            kept.get("test", False),
        )


def options_of(
    run: RunDirectory, data_dir: StrPath | None = None, device: DeviceName | None = None
) -> Options:
    """The options that a run was begun with, but for those that are given anew."""
    kept = Options.from_dict(run.read_environment().options or {})
    return replace(kept, data_dir=data_dir or kept.data_dir, device=device or kept.device)

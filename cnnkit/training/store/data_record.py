"""What a run recorded of its data, as ``split.json`` keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True)
class SplitPart:
    """One of the splits.

    Attributes:
        examples: How many it has.
        sha256: Of their indices.
    """

    examples: int = 0
    sha256: str | None = None


@dataclass(frozen=True)
class OutputRecord:
    """What is known of the targets of one of several outputs.

    Attributes:
        classes: The names of its classes.
        multi_label: Whether an example may have several.
    """

    classes: tuple[str, ...] = ()
    multi_label: bool = False


@dataclass(frozen=True)
class GroupRecord:
    """Which examples are on one side of a split together.

    Attributes:
        by: The table or the pattern that says it.
        count: How many groups there are.
        sha256: Of the group of each example.
    """

    by: str
    count: int
    sha256: str


@dataclass(frozen=True)
class DataRecord:
    """Which data a run trains on; equal where the data and the splits are.

    What a file of an earlier version does not say is None.

    Attributes:
        data: The name of the data set.
        classes: The names of its classes; of several outputs those of the first.
        outputs: Of several outputs what is known of each.
        multi_label: Whether an example may have several; of several outputs of any of them.
        sha256: Of all examples and targets.
        preprocessing: How inputs are prepared, as ``record_of`` gives it.
        seed: What the splits were drawn with.
        stratified: Whether each has the classes in the same parts.
        own_test: Whether the test split is the data set's own.
        train: The examples that are trained on.
        validation: Those that choose the epoch.
        test: Those that judge it.
        groups: Which examples are on one side together; None where each is by itself.
        mean: What earlier versions kept in place of ``preprocessing``, a channel each.
        deviation: What they divided by.
    """

    data: str | None = None
    classes: tuple[str, ...] | None = None
    outputs: Mapping[str, OutputRecord] | None = None
    multi_label: bool | None = None
    sha256: str | None = None
    preprocessing: Mapping[str, Any] | None = None
    seed: int | None = None
    stratified: bool | None = None
    own_test: bool | None = None
    train: SplitPart | None = None
    validation: SplitPart | None = None
    test: SplitPart | None = None
    groups: GroupRecord | None = None
    mean: tuple[float, ...] | None = None
    deviation: tuple[float, ...] | None = None

    @property
    def digests(self) -> tuple[str | None, str | None]:
        """Those of all examples, and of which of them are trained on."""
        return self.sha256, None if self.train is None else self.train.sha256

    @property
    def labels(self) -> bool | dict[str, bool]:
        """Whether each score is a yes or no of its own; of several outputs of each."""
        if self.outputs is None:
            return bool(self.multi_label)
        return {name: each.multi_label for name, each in self.outputs.items()}

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it; what is not known is left out."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def differing(self, other: DataRecord) -> list[str]:
        """The keys that both say something of, and not the same."""
        pairs = {
            each.name: (getattr(self, each.name), getattr(other, each.name))
            for each in fields(self)
        }
        return [name for name, both in pairs.items() if None not in both and both[0] != both[1]]

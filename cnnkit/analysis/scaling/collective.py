"""What devices send each other: the collectives of XLA and MPI, and the bytes that each costs.

On a ring of n devices each sends only to the next one. A reduce-scatter leaves every device with
the sum of one of n parts: n − 1 times it sends a part, (n−1)/n of the array. An all-gather brings
the parts to all, and sends as much. An all-reduce is the one after the other: 2·(n−1)/n, the least
that any algorithm sends (Patarasuk and Yuan, 2009, "Bandwidth optimal all-reduce algorithms for
clusters of workstations"; Thakur et al., 2005, "Optimization of collective communication operations
in MPICH"). A collective-permute between neighbours sends the bytes that are exchanged once; of two
devices each has one neighbour, and sends about half of what one between two others does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

CollectiveKind = Literal["all-reduce", "reduce-scatter", "all-gather", "collective-permute"]

PASSES: Final = {"all-reduce": 2, "reduce-scatter": 1, "all-gather": 1}
"""How often each part of an array goes round the ring."""


@dataclass(frozen=True, slots=True)
class Collective:
    """Exchanges of one kind and one purpose in a step.

    >>> Collective("all-reduce", "gradients", ("data",), 4, 1000).sent
    1500

    Attributes:
        kind: What is done.
        what: With which arrays.
        axes: The axes of the mesh that it goes over.
        devices: The devices that take part in it together, n.
        bytes: Those of the arrays; of a permutation those for the neighbours on both sides.
        rounds: How many follow on one another, each of which waits for the links anew: what one
            sends must be known before the next begins, or no compiler sends them together.
    """

    kind: CollectiveKind
    what: str
    axes: tuple[str, ...]
    devices: int
    bytes: int
    rounds: int = 1

    @property
    def sent(self) -> int:
        """The bytes that each device sends, rounded up."""
        passes = PASSES.get(self.kind)
        if passes is None:
            return -(-self.bytes // 2) if self.devices == 2 else self.bytes
        return -(-passes * (self.devices - 1) * self.bytes // self.devices)

    @property
    def messages(self) -> int:
        """How often each device sends, and waits for the one before it."""
        passes = PASSES.get(self.kind)
        return self.rounds * (2 if passes is None else passes * (self.devices - 1))

    @property
    def formula(self) -> str:
        """What is sent, in letters."""
        passes = PASSES.get(self.kind)
        if passes is None:
            return "bytes/2" if self.devices == 2 else "bytes"
        return f"{'2·' if passes > 1 else ''}(n−1)/n·bytes"

    def to_dict(self) -> dict[str, object]:
        """As JSON shows it."""
        return {
            "kind": self.kind,
            "what": self.what,
            "axes": list(self.axes),
            "devices": self.devices,
            "bytes": self.bytes,
            "sent": self.sent,
            "rounds": self.rounds,
        }

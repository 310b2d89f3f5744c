"""The comparison of an analysis with its network, as lines and as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cnnkit.presentation.grid import Column, grid
from cnnkit.presentation.lines import Line, Piece
from cnnkit.presentation.numbers import memory, plural, printable
from cnnkit.report.findings.finding import findings_lines

if TYPE_CHECKING:
    from cnnkit.analysis import Analysis
    from cnnkit.analysis.result import Unreadable
    from cnnkit.network.memory import MemoryComparison
    from cnnkit.network.verification import FactPair, LayerVerification, Verification

_NAMES = {
    "output": "output shape",
    "weights": "arrays",
    "parameters": "parameters",
    "state": "state",
    "macs": "MACs",
    "flops": "FLOPs without padding",
    "inference_memory": "inference memory",
    "training_memory": "training memory",
}


class Verified(NamedTuple):
    """What came of one source.

    Attributes:
        source: Its analysis, or why it could not be read.
        verification: The comparison; None where the source has findings of level error.
        memories: The comparison of memory, where it was asked for.
    """

    source: Analysis | Unreadable
    verification: Verification | None = None
    memories: Sequence[MemoryComparison] = ()

    @property
    def ok(self) -> bool:
        """Whether there was something to compare, and it agreed within what is tolerated."""
        agrees = self.verification is not None and self.verification.ok
        return agrees and not self.missed

    @property
    def missed(self) -> list[MemoryComparison]:
        """The figures of memory that are further off than is tolerated."""
        return [each for each in self.memories if not each.expected]

    @property
    def name(self) -> str | None:
        """The name of the network."""
        return getattr(self.source, "name", None)


def verification_lines(result: Verified, width: int | None = None) -> Iterator[Line]:
    """The totals, a row for each fact of a layer that differs, and the verdict."""
    verification = result.verification
    if verification is None:
        yield from findings_lines(result.source.findings, name=result.name, width=width)
        return
    file = verification.analysis.spec.origin.file
    yield [Piece(printable(result.name or file or "network"), "bold")]
    yield []
    yield from _totals(verification, result.memories)
    yield []
    different = [layer for layer in verification.layers if layer.mismatches]
    for stray in verification.strays:
        yield [Piece("✗ ", "bold red"), Piece(f"{printable(stray)} is on one side only")]
    if different:
        yield from _differences(different)
        yield []
    operations = plural(len(verification.layers), "operation")
    if verification.ok:
        verb = "agrees" if len(verification.layers) == 1 else "agree"
        yield [Piece("✓ ", "green"), Piece(f"{operations} {verb} in shape, arrays and work")]
    else:
        yield [Piece("✗ ", "bold red"), Piece(f"{len(different)} of {operations} differ")]
    if result.memories:
        yield _memory_verdict(result)


def _totals(verification: Verification, memories: Sequence[MemoryComparison]) -> Iterator[Line]:
    rows: list[tuple[str, str, str, Piece]] = []
    for name, pair in verification.totals().items():
        shown = f"{pair.analysis:,}", f"{pair.network:,}"
        rows.append((_NAMES[name], *shown, _verdict(pair)))
    for each in memories:
        style = "" if each.expected else "red"
        difference = Piece(f"{100 * each.difference:+.1f} %", style)
        rows.append((_NAMES[each.name], memory(each.analysis), memory(each.xla), difference))
    yield from grid(
        [
            Column("total", [[Piece(row[0])] for row in rows]),
            Column("analysis", [[Piece(row[1])] for row in rows], right=True),
            Column("Flax and XLA", [[Piece(row[2])] for row in rows], right=True),
            Column("difference", [[row[3]] for row in rows], right=True),
        ]
    )


def _memory_verdict(result: Verified) -> Line:
    """Whether the figures of memory are as near as they should be, and how near that is."""
    tolerated = f"{result.memories[0].tolerance:.0%}".replace("%", " %")
    if not result.missed:
        return [Piece("✓ ", "green"), Piece(f"memory agrees within {tolerated}")]
    names = " and ".join(_NAMES[each.name] for each in result.missed)
    verb = "differs" if len(result.missed) == 1 else "differ"
    return [Piece("✗ ", "bold red"), Piece(f"{names} {verb} by more than {tolerated}")]


def _verdict(pair: FactPair[int]) -> Piece:
    if pair.analysis == pair.network:
        return Piece("none", "green")
    if not pair.network:
        return Piece(f"{pair.analysis - pair.network:+,}", "red")
    return Piece(f"{100 * (pair.analysis / pair.network - 1):+.2f} %", "" if pair.agrees else "red")


def _differences(layers: Sequence[LayerVerification]) -> Iterator[Line]:
    rows = [(layer, name, pair) for layer in layers for name, pair in layer.mismatches.items()]
    yield from grid(
        [
            Column("layer", [[Piece(printable(layer.path))] for layer, _, _ in rows]),
            Column("kind", [[Piece(printable(layer.kind))] for layer, _, _ in rows]),
            Column("line", [[Piece(str(layer.location or ""))] for layer, _, _ in rows]),
            Column("what", [[Piece(_NAMES[name])] for _, name, _ in rows]),
            Column("analysis", [[Piece(_shown(pair.analysis))] for _, _, pair in rows]),
            Column("Flax and XLA", [[Piece(_shown(pair.network), "red")] for _, _, pair in rows]),
        ]
    )


def _shown(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else printable(str(value))


def verification_data(result: Verified) -> dict[str, Any]:
    """All that was compared, as JSON shows it; every key is always there."""
    verification = result.verification
    return {
        "format": 1,
        "name": result.name,
        "ok": result.ok,
        "totals": {
            name: _pair(pair)
            for name, pair in (verification.totals() if verification else {}).items()
        },
        "memory": {
            each.name: {
                "analysis": each.analysis,
                "network": each.xla,
                "agrees": each.expected,
                "tolerance": each.tolerance,
            }
            for each in result.memories
        },
        "strays": list(verification.strays if verification else ()),
        "layers": [_layer(layer) for layer in (verification.layers if verification else ())],
        "findings": [finding.to_dict() for finding in result.source.findings],
    }


def _layer(layer: LayerVerification) -> dict[str, Any]:
    location = layer.location
    return {
        "path": layer.path,
        "kind": layer.kind,
        "line": location.line if location else None,
        "column": location.column if location else None,
        **{name: _pair(pair) for name, pair in layer.facts().items()},
    }


def _pair(pair: FactPair[Any]) -> dict[str, Any]:
    return {"analysis": pair.analysis, "network": pair.network, "agrees": pair.agrees}

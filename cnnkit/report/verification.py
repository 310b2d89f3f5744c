"""The comparison of an analysis with its network, as lines and as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from cnnkit.report.grid import Column, grid
from cnnkit.report.lines import Line, Piece
from cnnkit.report.text import memory, plural, printable

if TYPE_CHECKING:
    from cnnkit.network.memory import MemoryComparison
    from cnnkit.network.verification import LayerVerification, Pair, Verification

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


def verification_lines(
    verification: Verification, memories: Sequence[MemoryComparison] = ()
) -> Iterator[Line]:
    """The verdict, the totals, and a row for each fact of a layer that differs."""
    analysis = verification.analysis
    name = analysis.name or analysis.spec.origin.file or "network"
    yield [Piece(printable(name), "bold")]
    yield []
    yield from _totals(verification, memories)
    yield []
    different = [layer for layer in verification.layers if layer.mismatches]
    for stray in verification.strays:
        yield [Piece("✗ ", "bold red"), Piece(f"{printable(stray)} is on one side only")]
    if different:
        yield from _differences(different)
        yield []
    operations = plural(len(verification.layers), "operation")
    if verification.ok:
        yield [Piece("✓ ", "green"), Piece(f"{operations} agree in shape, arrays and work")]
    else:
        yield [Piece("✗ ", "bold red"), Piece(f"{len(different)} of {operations} differ")]


def _totals(verification: Verification, memories: Sequence[MemoryComparison]) -> Iterator[Line]:
    rows: list[tuple[str, str, str, Piece]] = []
    for name, pair in verification.totals().items():
        shown = f"{pair.analysis:,}", f"{pair.network:,}"
        rows.append((_NAMES[name], *shown, _verdict(pair)))
    for each in memories:
        style = "" if each.expected else "yellow"
        difference = Piece(f"{each.difference:+.1%}", style)
        rows.append((_NAMES[each.name], memory(each.analysis), memory(each.xla), difference))
    yield from grid(
        [
            Column("total", [[Piece(row[0])] for row in rows]),
            Column("analysis", [[Piece(row[1])] for row in rows], right=True),
            Column("Flax and XLA", [[Piece(row[2])] for row in rows], right=True),
            Column("difference", [[row[3]] for row in rows], right=True),
        ]
    )


def _verdict(pair: Pair[int]) -> Piece:
    if pair.analysis == pair.network:
        return Piece("none", "green")
    if not pair.network:
        return Piece(f"{pair.analysis - pair.network:+,}", "red")
    return Piece(f"{pair.analysis / pair.network - 1:+.2%}", "" if pair.agrees else "red")


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


def verification_data(
    verification: Verification, memories: Sequence[MemoryComparison] = ()
) -> dict[str, Any]:
    """All that was compared, as JSON shows it; every key is always there."""
    return {
        "format": 1,
        "name": verification.analysis.name,
        "ok": verification.ok,
        "totals": {name: _pair(pair) for name, pair in verification.totals().items()},
        "memory": {
            each.name: {
                "analysis": each.analysis,
                "network": each.xla,
                "agrees": each.expected,
            }
            for each in memories
        },
        "strays": list(verification.strays),
        "layers": [_layer(layer) for layer in verification.layers],
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


def _pair(pair: Pair[Any]) -> dict[str, Any]:
    return {"analysis": pair.analysis, "network": pair.network, "agrees": pair.agrees}

"""The totals of a network in words and numbers, for all formats that people read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import ceil
from typing import TYPE_CHECKING

from cnnkit.analysis.precision import Program
from cnnkit.analysis.quantity import quantity
from cnnkit.analysis.result import Unreadable
from cnnkit.layers.shape import show, show_each
from cnnkit.presentation.numbers import axes, memory, printable
from cnnkit.report.analysis.figure import Figure

if TYPE_CHECKING:
    from cnnkit.analysis import Analysis, LayerAnalysis
    from cnnkit.analysis.receptive_field import Fields
    from cnnkit.analysis.result import Totals
    from cnnkit.report.analysis.options import Result


def title(result: Result) -> str:
    """What the network is called: its name, or the file that it was read from."""
    if isinstance(result, Unreadable):
        return printable(result.file)
    return printable(result.name or result.spec.origin.file or "network")


def about(analysis: Analysis) -> list[str]:
    """What the spec says that it shows, its lines as YAML gives them."""
    lines = (analysis.spec.about or "").splitlines()
    return [printable(" ".join(line.split())) for line in lines if line.strip()]


def shapes(analysis: Analysis) -> str:
    """What the network makes of its input: ``32x32x3 → 4``."""
    graph = analysis.graph
    return f"{show_each(graph.inputs)} → {printable(show_each(graph.given))}"


def figures(analysis: Analysis) -> list[Figure]:
    """The totals, those left out that are zero for most networks."""
    totals, settings = analysis.totals, analysis.settings
    setting = f"batch {settings.batch:,}, {settings.precision}"
    listed = [
        Figure("neurons", f"{totals.neurons:,}"),
        Figure("parameters", f"{totals.parameters:,}", _trained(totals)),
    ]
    if totals.state:
        weights = (weight for node in analysis.graph.nodes for weight in node.effect.weights)
        kept = " and weights that are not learnt" if any(each.frozen for each in weights) else ""
        note = f"running statistics{kept}, not among the parameters"
        listed.append(Figure("state", f"{totals.state:,}", note))
    listed.append(Figure("MACs", f"{totals.macs:,}", "one multiply-accumulate each"))
    if totals.macs_without_heads != totals.macs:
        value = f"{totals.macs_without_heads:,}"
        sides = all(node.side for node in analysis.graph.nodes if node.head)
        note = f"{'side outputs' if sides else 'heads'} left out"
        listed.append(Figure("MACs without heads", value, note))
    if (count := analysis.convention) is not None:
        listed.append(Figure(f"{count.name} counts", f"{count.count:,}", count.includes))
    listed.append(Figure("FLOPs", f"{totals.flops:,}", "2·MACs"))
    listed.append(Figure("activations", f"{totals.activations:,}", "outputs of all layers"))
    if any(totals.operations):
        work = {name: value for name, value in totals.operations._asdict().items() if value}
        note = ", ".join(
            f"{value:,} {name}" if len(work) > 1 else name for name, value in work.items()
        )
        listed.append(Figure("other operations", f"{sum(totals.operations):,}", note))
    of_tensors = f"{totals.activation_memory:,} of them activations; {setting}"
    listed += [
        _bytes("inference memory", totals.inference_memory, of_tensors, ", "),
        _bytes("memory traffic", totals.memory_traffic, f"each operation on its own; {setting}"),
    ]
    if totals.training_memory is None:
        note = f"{settings.precision} is a precision of inference"
        listed.append(Figure("training memory", "not defined", note))
    else:
        trained = f"{setting}, {settings.optimizer}"
        listed.append(_bytes("training memory", totals.training_memory, trained))
    listed += _times(analysis)
    inputs, outputs = analysis.graph.inputs, analysis.graph.outputs
    of_inputs = analysis.tree.fields_of or dict.fromkeys(inputs, analysis.tree.fields)
    for name, fields in of_inputs.items():
        if not fields:
            continue
        seen = field_sizes(fields)
        least = axes(ceil(field.smallest) for field in fields)
        which = f"`{name}`" if len(inputs) > 1 else "the input"
        note = f"{which} is {show(inputs[name][:-1])}"
        if len(outputs) > 1:
            note = f"of `{printable(next(iter(outputs)))}`; {note}"
        if least != seen:
            note = f"from {least} to {seen}, by position; {note}"
        listed.append(Figure("receptive field", seen, note))
    if analysis.scaling is not None:
        from cnnkit.report.analysis.scaling import plan_figures

        listed += plan_figures(analysis.scaling)
    return listed


TIMES: Mapping[str, Program] = {"inference time": "inference", "training time": "training"}
"""What the columns of times are called."""


def time_of(analysis: Analysis, layer: LayerAnalysis, column: str) -> str:
    """A layer's seconds on the machine; empty where there is no estimate of them."""
    seconds = analysis.time_of(layer, TIMES[column])
    return "" if seconds is None else quantity(seconds, "s")


def time_columns(analysis: Analysis) -> tuple[str, ...]:
    """The columns of times that there are, of a machine that was asked for."""
    if analysis.settings.machine is None:
        return ()
    return tuple(TIMES) if analysis.totals.training_time is not None else tuple(TIMES)[:1]


def total_time(analysis: Analysis, column: str) -> str:
    """The seconds of the whole network."""
    totals = analysis.totals
    seconds = totals.inference_time if TIMES[column] == "inference" else totals.training_time
    return "" if seconds is None else quantity(seconds, "s")


def _times(analysis: Analysis) -> Iterator[Figure]:
    """The seconds on the machine that was asked for."""
    settings, machine = analysis.settings, analysis.settings.machine
    if machine is None:
        return
    setting = f"batch {settings.batch:,}, {settings.precision}"
    on = f"{printable(machine.name)}, {printable(machine.origin)}"
    for label, seconds, more in (
        ("inference time", analysis.totals.inference_time, ""),
        ("training time", analysis.totals.training_time, f", {settings.optimizer}"),
    ):
        if seconds is None:
            yield Figure(label, "not defined", f"no rates of a step in {settings.precision}")
        else:
            rate = f"{settings.batch / seconds:,.0f} examples/s" if seconds else "no work"
            if not machine.measured:
                rate = f"at best {rate}"
            yield Figure(label, quantity(seconds, "s"), f"{rate}; {setting}{more}; {on}")


def _trained(totals: Totals) -> str:
    """How many of the parameters are trained, where some are frozen."""
    trained = totals.trained_parameters
    if trained == totals.parameters:
        return ""
    return f"{trained:,} trained, {totals.parameters - trained:,} frozen"


def _bytes(label: str, count: int, note: str, joint: str = "; ") -> Figure:
    exact = f"{count:,} bytes{joint}" if count >= 1024 else ""
    return Figure(label, memory(count), exact + note)


def field_sizes(fields: Fields) -> str:
    """The receptive field of each axis: ``7x7``; empty where there is none."""
    return axes(ceil(field.size) for field in fields or ())

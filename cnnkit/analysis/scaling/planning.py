"""An analysis with the plan of its training on many devices, and what keeps it from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TypedDict, Unpack

from cnnkit.analysis.result import Analysis, Unreadable
from cnnkit.analysis.scaling.mesh import DeviceMesh, read_mesh
from cnnkit.analysis.scaling.plan import TrainingPlan
from cnnkit.analysis.scaling.prediction import Scaling, Speeds, speeds_of
from cnnkit.analysis.scaling.remedy import accumulated, sharded
from cnnkit.errors import Finding, UsageError, in_order
from cnnkit.spec.language.faults import Fault
from cnnkit.spec.language.place import inmost
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training.parallel import Parallelism, cut_inputs


class _Asked(TypedDict, total=False):
    """The keyword arguments of ``planned``."""

    batch: int | None
    link: str | None
    tabulated: bool


def plans_of(
    analyses: Iterable[Analysis | Unreadable],
    devices: int | None,
    parallel: str | None = None,
    **asked: Unpack[_Asked],
) -> list[Analysis | Unreadable]:
    """``planned`` of all that can be read, on as many devices, as a command line says it.

    Args:
        analyses: What was read.
        devices: How many there are; None for as few as it takes.
        parallel: The axes of their mesh, as of ``read_mesh``; by default those of each recipe.
        asked: The keyword arguments of ``planned``.

    Raises:
        UsageError: The options do not go together.
    """
    mesh = None if parallel is None else read_mesh(devices, parallel)
    found: list[Analysis | Unreadable] = []
    for each in analyses:
        if isinstance(each, Analysis):
            of_recipe = mesh or _mesh_of(each.spec, devices)
            if isinstance(of_recipe, Finding):
                findings = tuple(in_order((*each.findings, of_recipe)))
                found.append(replace(each, findings=findings))
            else:
                found.append(planned(each, of_recipe, **asked))
        else:
            found.append(each)
    return found


def _mesh_of(spec: Spec, devices: int | None) -> DeviceMesh | Finding:
    """The mesh of a recipe on so many devices, or what keeps it from them."""
    if spec.train is None:
        return DeviceMesh(data=devices or 1)
    parallel = spec.train.parallel
    if devices is None:
        devices = parallel.fewest
    if fault := parallel.shortage(devices):
        return _finding(spec, fault, ("train", *fault.field))
    data = devices // parallel.group if parallel.data == "all" else parallel.data
    return DeviceMesh(data=data, shard=parallel.shard, spatial=parallel.spatial)


def planned(
    analysis: Analysis,
    mesh: DeviceMesh,
    *,
    batch: int | None = None,
    link: str | None = None,
    tabulated: bool = False,
) -> Analysis:
    """The same analysis with the plan of a training on many devices.

    Where the shapes of the network are not known there is no plan.

    Args:
        analysis: Of the network, in the precision and for the optimizer of the training, and with
            the machine that each device is, if there is to be a time.
        mesh: The devices.
        batch: The examples of a step on all of them; by default those of the recipe, or else one
            on each device.
        link: What joins them, as of ``speeds_of``.
        tabulated: Whether to say how it scales to other numbers of devices.

    Raises:
        UsageError: The precision is one of inference alone, there is no such link, or the machine
            has no rates of a step of training in the precision.
    """
    machine = analysis.settings.machine
    if link is not None and machine is None:
        raise UsageError(f"--link {link} joins the devices of a machine: name it, --machine h100")
    if analysis.graph.output is None or not analysis.layers:
        return analysis
    if analysis.totals.training_memory is None:
        raise UsageError(
            f"--devices plans a training, and {analysis.settings.precision} is a precision of "
            "inference alone: take another --precision"
        )
    spec = analysis.spec
    plan = TrainingPlan(
        analysis.totals.memory,
        mesh,
        batch or _batch_of(spec) or mesh.parts,
        1 if spec.train is None else spec.train.accumulate,
        figures=_figures(analysis),
        synchronized=spec.train is None or spec.train.parallel.sync_batch_norm,
    )
    speeds = (
        None
        if machine is None
        else speeds_of(machine, link, alone=mesh.devices == 1 and not tabulated)
    )
    # What the machine cannot do is said before anything is written; a network that computes nothing
    # takes no time.
    timed = speeds is not None and speeds.compute(plan) > 0
    scaling = Scaling(plan, speeds if timed else None, tabulated)
    found = (*analysis.findings, *_misfits(analysis, plan), *_overflow(plan, speeds))
    return replace(analysis, scaling=scaling, findings=tuple(in_order(found)))


def _batch_of(spec: Spec) -> int | None:
    """The batch that a recipe says, where it says one."""
    train = spec.train
    if train is None or train.fits_batch or not isinstance(train.batch_size, int):
        return None
    return train.batch_size


def _figures(analysis: Analysis) -> int:
    """The values that a step reports of each output.

    Of classes the counts of a confusion matrix, else two sums of errors; and two losses, the
    examples, and how many were among the five best.
    """
    train = analysis.spec.train
    each = {} if train is None else train.of_outputs()
    found = 0
    for name, shape in analysis.graph.given.items():
        recipe = each[name][0] if name in each else train
        classes = max(shape[-1] if shape else 0, 2)
        found += classes**2 if recipe is None or recipe.loss.of_classes else 2
    return found + 4 * len(analysis.graph.given)


def _misfits(analysis: Analysis, plan: TrainingPlan) -> Iterator[Finding]:
    """The sizes of which not all devices get an equal part."""
    mesh, batch = plan.mesh, plan.batch
    if rest := batch % mesh.parts:
        below, above = batch - rest, batch - rest + mesh.parts
        advice = " or ".join(f"--batch {each}" for each in (below, above) if each)
        yield Finding(
            "wrong-value",
            "error",
            f"a batch of {batch:,} is not cut into {mesh.parts:,} equal parts, "
            f"for {replace(mesh, spatial=1)}",
            f"take a multiple of {mesh.parts:,}: {advice}",
        )
    spec, parallel = analysis.spec, Parallelism(spatial=mesh.spatial)
    for name, shape in cut_inputs(analysis.graph.inputs).items():
        place = ("inputs", name) if spec.inputs else ("input",)
        for fault in parallel.misfits(shape, ".".join(place)):
            yield _finding(spec, fault, place)


def _finding(spec: Spec, fault: Fault, place: tuple[str | int, ...]) -> Finding:
    """What is said of a place in the spec."""
    document = spec.origin.document
    where = None if document is None else inmost(document, place).location()
    return Finding(fault.rule, "error", fault.message, fault.help, where)


def _overflow(plan: TrainingPlan, speeds: Speeds | None) -> Iterator[Finding]:
    """A device whose memory is less than the plan takes, and what takes less."""
    size = None if speeds is None else speeds.machine.memory.size
    if speeds is None or size is None or plan.memory.total <= size:
        return
    advice = []
    if found := accumulated(plan, size):
        advice.append(
            f"accumulate the gradients of {found.accumulate:,} steps: `batch_size: {found.batch}` "
            f"with `accumulate: {found.accumulate}` takes {found.memory.total:,} bytes"
        )
    if found := sharded(plan, size):
        advice.append(
            f"cut the weights for more devices: --parallel {found.mesh.option} takes "
            f"{found.memory.total:,} bytes"
        )
    yield Finding(
        "over-budget",
        "error",
        f"a batch of {plan.batch:,}, {plan.local_batch:,} on each device, takes "
        f"{plan.memory.total:,} bytes of it, and {speeds.machine.name} has {size:,}",
        "; or ".join(advice) or "take devices of more memory, or a smaller network",
    )

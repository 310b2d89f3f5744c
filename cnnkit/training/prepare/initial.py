"""`train.init`: the weights of another training, matched by path and shape."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cnnkit.errors import DataError, UsageError
from cnnkit.layers.shape import show
from cnnkit.network.weights import Arrays, arrays_of
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training.location import located_weights
from cnnkit.spec.tracing import graph_of
from cnnkit.training.store.directory import INIT, RunDirectory
from cnnkit.training.use.trained import load_run
from cnnkit.training.view.display import Display

_SHOWN = 6
_OF_LAYERS = ("layers", "branches", "shortcut")
_VARIANT = re.compile(r"-\d+(\[\d+\])?$")


@dataclass(frozen=True)
class InitialWeights:
    """What another training left.

    Attributes:
        path: The directory of a run, or a file.
        arrays: float32, by the path of the layer and the weight's name.
        sha256: Of all of them.
        problems: What could not be taken, such as arrays that are not float32.
    """

    path: Path
    arrays: Arrays
    sha256: str
    problems: tuple[str, ...] = ()

    def fitting(self, spec: Spec) -> Initial:
        """Those of the arrays that a network has, of the same name and shape.

        Raises:
            DataError: None is.
        """
        graph = graph_of(spec)
        wanted = {
            f"{node.path}.{weight.name}": weight.shape
            for node in graph.nodes
            for weight in node.effect.weights
        }
        there = {name: array.shape for name, array in self.arrays.items()}
        names = _alike(wanted, there)
        fitting = {
            name: self.arrays[names[name]]
            for name in wanted
            if name in names and there[names[name]] == wanted[name]
        }
        if not fitting:
            raise DataError(
                f"`init`: none of the {len(there):,} arrays of {self.path} has the path and the "
                f"shape of one of this network, which has {_some(_described(wanted))}, and there "
                f"are {_some(_described(there))}: name the layers alike"
            )
        fresh = {}
        for name, shape in wanted.items():
            if name not in fitting:
                other = f", {show(there[names[name]])} there" if name in names else ""
                fresh[name] = f"{name} ({show(shape)}{other})"
        known = set(names.values())
        unused = tuple(name for name in there if name not in known)
        return Initial(self, fitting, fresh, unused)


@dataclass(frozen=True)
class Initial:
    """What a network begins with.

    Attributes:
        source: Where from.
        arrays: Those that fit.
        fresh: The arrays of the network that are drawn, and of which shape each is.
        unused: The names that the network does not have.
    """

    source: InitialWeights
    arrays: Arrays
    fresh: Mapping[str, str]
    unused: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """What is told of it."""
        for problem in self.source.problems:
            yield f"warning: {problem}"
        count = len(self.arrays) + len(self.fresh)
        yield f"{len(self.arrays):,} of {count:,} arrays begin as in {self.source.path}"
        if self.fresh:
            yield f"these begin fresh: {_some(self.fresh.values())}"
        if self.unused:
            yield f"these are not of this network: {_some(self.unused)}"

    def record(self) -> dict[str, Any]:
        """What a run notes of it, as JSON."""
        return {
            "path": str(self.source.path),
            "sha256": self.source.sha256,
            "arrays": [*self.arrays],
            "fresh": [*self.fresh],
            "unused": [*self.unused],
        }


def _alike(wanted: Collection[str], there: Collection[str]) -> dict[str, str]:
    """Names that are wanted, and what each is called there.

    Where a block is used with several arguments, a spec that is written numbers its variants,
    `unit-2`: the numbers depend on what else the network has, and are passed over.
    """
    ours = {name: _without_variants(name) for name in wanted}
    theirs = {_without_variants(name): name for name in there}
    if len(theirs) < len(there) or len({*ours.values()}) < len(ours):
        return {name: name for name in wanted if name in there}  # some became one
    return {name: theirs[own] for name, own in ours.items() if own in theirs}


def _without_variants(name: str) -> str:
    """A name without the numbers of the variants of blocks.

    >>> _without_variants("layers.stage-2.stage-3.layers.1.unit-6[0].layers.0.kernel")
    'layers.stage-2.stage.layers.1.unit[0].layers.0.kernel'
    """
    parts = name.split(".")
    for place in range(1, len(parts) - 1):
        # A block stands behind the place of the layer that it is, and has layers.
        if parts[place + 1] == "layers" and parts[place - 1] not in _OF_LAYERS:
            parts[place] = _VARIANT.sub(r"\1", parts[place])
    return ".".join(parts)


def source_of(spec: Spec) -> InitialWeights | None:
    """The weights that the recipe of a spec names; None where it names none.

    Raises:
        UsageError: There is nothing of that name, or no run.
        SpecError: It is a file that cannot be read.
        TrainingError: No checkpoint of the run is whole.
    """
    given = located_weights(spec).path
    if given is None:
        return None
    path = Path(given)
    if path.is_dir():
        run = load_run(path)
        return InitialWeights(
            path, arrays := arrays_of(run.network), _digest(arrays), tuple(run.problems)
        )
    if not path.exists():
        raise UsageError(
            f"`init`: there is no {path}: give the folder of a run, or a file of weights that "
            f"`cnnkit export RUN --to safetensors` wrote"
        )
    from cnnkit.network.weights_file import read_arrays  # who has no such file needs no safetensors

    arrays, others = read_arrays(path)
    problems = tuple(f"{name} of {path} is {dtype}, not float32" for name, dtype in others.items())
    return InitialWeights(path, arrays, _digest(arrays), problems)


def initial(spec: Spec) -> Initial | None:
    """What the network of a spec begins with; None where that is drawn.

    Raises:
        DataError: None of the arrays fits.
        UsageError: As of ``source_of``; the other errors too.
    """
    source = source_of(spec)
    return None if source is None else source.fitting(spec)


def told_initial(spec: Spec, display: Display) -> Initial | None:
    """What the network of a spec begins with, told to the user.

    Raises:
        DataError: None of the arrays fits.
        UsageError: As of ``source_of``; the other errors too.
    """
    found = initial(spec)
    for line in found.lines() if found is not None else ():
        display.note(line)
    return found


def keep_initial(run: RunDirectory, found: Initial | None) -> None:
    """Writes which weights a run began with.

    Raises:
        DataError: It was begun with others.
    """
    if found is None:
        return
    before = run.read_json(INIT, ("sha256",))
    if before is not None and before["sha256"] != found.source.sha256:
        raise DataError(
            f"{found.source.path} has changed since {run.path} was begun with its weights, and "
            f"the run has no checkpoint of its own yet: begin a new run"
        )
    run.write_json(INIT, found.record())


def _digest(arrays: Arrays) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.shape} {array.dtype}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _described(shapes: Mapping[str, tuple[int, ...]]) -> list[str]:
    return [f"{name} ({show(shape)})" for name, shape in shapes.items()]


def _some(names: Any) -> str:
    listed = list(names)
    more = len(listed) - _SHOWN
    return ", ".join(listed[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")

"""A network with weights, wherever they are from: a run, a file, or chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from flax import nnx

from cnnkit.data.preprocessing import (
    Preparation,
    Preprocessing,
    preparation_of,
    record_of,
)
from cnnkit.errors import DataError, SpecError, UsageError, in_order
from cnnkit.layers.shape import Shape
from cnnkit.network import Network, build
from cnnkit.network.weights import Arrays, arrays_of, put_arrays
from cnnkit.network.weights_file import WeightsFile, metadata_of, read_weights
from cnnkit.spec.graph import Graph
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.tracing import graph_of
from cnnkit.training.store.directory import RunDirectory
from cnnkit.training.store.summary import Summary
from cnnkit.training.use.trained import Trained, Which, load_run

# Where a run lay and what it was begun with says nothing of the weights, and something of a user.
_PRIVATE = ("command", "options", "variables")


@dataclass(frozen=True)
class Weights:
    """A network with weights.

    Attributes:
        spec: The network.
        graph: Its operations.
        arrays: float32, by the path of the layer and the weight's name.
        classes: The names of the classes; empty where there are none.
        preprocessing: What is done to the values of files, of several inputs to each; None where
            no data are known.
        metrics: What was measured of a run.
        environment: What a run was made with.
        problems: What was wrong with checkpoints that would have been taken.
        outputs: Of several outputs the names of the classes of each.
    """

    spec: Spec
    graph: Graph
    arrays: Arrays
    classes: tuple[str, ...] = ()
    preprocessing: Preparation | None = None
    metrics: dict[str, Any] | None = None
    environment: dict[str, Any] | None = None
    problems: tuple[str, ...] = ()
    outputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def of_files(self, *, raw: bool) -> Preprocessing | None:
        """What a model does to the values of files, where it is to be a part of it.

        Args:
            raw: Whether the model takes what the first layer reads.

        Raises:
            UsageError: It is to, and the network has several inputs.
        """
        if raw or self.preprocessing is None:
            return None
        if not isinstance(self.preprocessing, Preprocessing):
            raise UsageError(
                "a model of several inputs takes what the first layers read, and not the values of "
                "files: add --raw"
            )
        return self.preprocessing

    @property
    def network(self) -> Network:
        """The Flax module in float32, whatever a run computed in."""
        # Nothing is drawn: the weights are there.
        network = nnx.eval_shape(lambda: build(self.spec, precision="float32"))
        put_arrays(network, self.arrays)
        return network

    def metadata(self) -> dict[str, str]:
        """What a file says of the network, keys and values as texts."""
        text = yaml.safe_dump(
            self.spec.to_dict(), sort_keys=False, allow_unicode=True, default_flow_style=None
        )
        return metadata_of(
            text,
            classes={name: list(each) for name, each in self.outputs.items()} or list(self.classes),
            preprocessing=None if self.preprocessing is None else record_of(self.preprocessing),
            metrics=self.metrics,
            environment=self.environment,
        )


def weights_of_run(run: Path, which: Which = "best") -> Weights:
    """The weights of a run's best or last epoch.

    Raises:
        UsageError: There is no such run, or it has no checkpoint yet.
        TrainingError: No checkpoint is whole.
    """
    trained = load_run(run, which)
    directory = RunDirectory(run)
    summary = directory.read_summary() or Summary()
    environment = directory.read_environment().to_dict()
    return Weights(
        trained.spec,
        _graph(trained.spec),
        arrays_of(trained.network),
        trained.classes,
        trained.prepared_by,
        {
            "epoch": trained.epoch,
            "checkpoint": which,
            "training": summary.training,
            "validation": summary.validation,
            "test": summary.test,
        },
        {key: value for key, value in environment.items() if key not in _PRIVATE},
        tuple(trained.problems),
        trained.outputs,
    )


def weights_of_file(spec: Spec, path: Path) -> Weights:
    """The weights of a file for the network of a spec.

    Raises:
        UsageError: There is no such file.
        SpecError: The spec has findings of level error, or the file is not of its network.
        DataError: What the file says of itself is damaged.
    """
    graph = _graph(spec)
    file = read_weights(path, graph)
    said = file.said("classes") or []
    outputs = said if isinstance(said, dict) else {}
    classes = next(iter(outputs.values()), []) if isinstance(said, dict) else said
    for names in outputs.values() if outputs else (classes,):
        if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
            raise DataError(f"{path}: `cnnkit.classes` is damaged: it is no list of names")
    preprocessing = _preprocessing(file)
    if preprocessing is not None and not _fits(preprocessing, spec):
        raise DataError(f"{path}: `cnnkit.preprocessing` is damaged, or of another input")
    metrics, environment = file.said("metrics"), file.said("environment")
    return Weights(
        spec,
        graph,
        file.arrays,
        tuple(classes),
        preprocessing,
        metrics,
        environment,
        outputs={name: tuple(each) for name, each in outputs.items()},
    )


def weights_of_seed(spec: Spec, seed: int = 0) -> Weights:
    """The weights that training would begin with.

    Raises:
        SpecError: The spec has findings of level error.
    """
    graph = _graph(spec)
    return Weights(spec, graph, arrays_of(build(spec, seed)))


def trained_of(weights: Weights, path: Path) -> Trained:
    """A network with the weights of a file, as one with those of a run.

    Args:
        weights: What ``weights_of_file`` gives.
        path: The file.

    Raises:
        UsageError: The file does not say how inputs are prepared.
    """
    if weights.preprocessing is None:
        raise UsageError(
            f"{path} does not say how inputs are prepared, `cnnkit.preprocessing`: export a run"
        )
    return Trained(
        path=path,
        spec=weights.spec,
        network=weights.network,
        classes=weights.classes,
        prepared_by=weights.preprocessing,
        checkpoint=None,
        epoch=0,
        outputs=weights.outputs,
    )


def _preprocessing(file: WeightsFile) -> Preparation | None:
    record = file.said("preprocessing")
    if record is None:
        return None
    try:
        return preparation_of(record if isinstance(record, dict) else {})
    except DataError as error:
        raise DataError(f"{file.path}: {error}") from None


def _fits(record: Preparation, spec: Spec) -> bool:
    """Whether a record is of the network's inputs, with numbers that can be divided by."""
    if isinstance(record, Preprocessing):
        return len(spec.inputs) < 2 and _fits_shape(record, spec.input)
    return record.keys() == spec.inputs.keys() and all(
        _fits_shape(each, spec.inputs[name]) for name, each in record.items()
    )


def _fits_shape(record: Preprocessing, shape: Shape) -> bool:
    numbers = np.array([*record.mean, *record.deviation])
    sizes = {len(record.mean), len(record.deviation)}
    sound = np.isfinite(numbers).all() and all(record.deviation)
    return record.shape == shape and sizes == {shape[-1]} and bool(sound)


def _graph(spec: Spec) -> Graph:
    graph = graph_of(spec)
    findings = in_order([*spec.origin.findings, *graph.findings])
    if any(finding.level == "error" for finding in findings):
        raise SpecError(findings)
    return graph

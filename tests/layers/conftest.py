"""A network under construction that only notes what is added to it."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from cnnkit.layers.base import Effect, Layer, Tensor
from cnnkit.layers.problem import Problem
from cnnkit.layers.shape import Shape


@dataclass
class Recorder:
    """Applies primitive layers and keeps their labels and effects."""

    effects: dict[str, Effect] = field(default_factory=dict)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def start(self, shape: Shape) -> Tensor:
        return Tensor(0, shape)

    def add(self, layer: Layer, *inputs: Tensor, label: str = "") -> Tensor:
        effect = layer.effect(*(x.shape for x in inputs if x.shape is not None))
        self.effects[label or layer.kind] = effect
        self.problems += effect.problems
        return Tensor(len(self.effects), effect.output)

    def save(self, name: str, x: Tensor) -> None:
        self.tensors[name] = x

    def saved(self, name: str, field: tuple[str | int, ...]) -> Tensor | None:
        if name not in self.tensors:
            self.problems.append(Problem("unknown-name", name, field=field))
        return self.tensors.get(name)


@pytest.fixture(scope="session")
def recorder() -> type[Recorder]:
    return Recorder


@pytest.fixture
def graph() -> Recorder:
    return Recorder()

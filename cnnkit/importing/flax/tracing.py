"""A module traced by JAX, in which layers that are known by their class are one step each.

Calls of the module's own modules are hooked while it is traced, as ``nnx.tabulate`` does: a norm
or a dropout, whose primitives do not say what it is, stands as one step; all others are traced
through, in a scope that says which module they are in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

from cnnkit.importing.ends import output_names
from cnnkit.importing.flax.known import called, named
from cnnkit.importing.flax.steps import FlatCall, FlatFunction, flattened, needed

LAYER = "layer"
"""The name of a step that is a layer; its parameter ``call`` is the number of the call."""
_SCOPE = re.compile(r"cnnkit_module_(\d+)")


@dataclass(frozen=True)
class ModuleCall:
    """A layer that was called, and with what besides the tensor."""

    module: Any
    options: Mapping[str, Any]


@dataclass
class TracedModule:
    """A traced module.

    Attributes:
        whole: Its tensors and constants.
        steps: Its steps, with known functions as one each.
        calls: The layers that are steps, by the numbers that these hold.
        names: The names of the modules, joined by ``/``, by the numbers in their scopes.
        outputs: The names of what it gives.
        classes: The class of each module, by its name.
    """

    whole: FlatFunction
    steps: Sequence[FlatCall]
    calls: Sequence[ModuleCall]
    names: Sequence[str]
    outputs: Sequence[str]
    classes: Mapping[str, type]

    def scope(self, step: FlatCall) -> str:
        """The names of the module that a step is in."""
        if step.name == LAYER:
            return self.names[int(step.params["module"])]
        numbers = _SCOPE.findall(step.scope)
        return self.names[int(numbers[-1])] if numbers else ""


def trace(module: Any, examples: Sequence[Any], known: Callable[[Any], bool]) -> TracedModule:
    """The steps of a module for one batch of each input.

    Args:
        module: A module of Flax NNX.
        examples: The batches.
        known: Whether a module's class is one that is read whole.
    """
    import jax
    from flax import nnx

    hooks = _Hooks(known)

    def call(*given: Any) -> Any:
        # Of a copy: a module that counts its random numbers changes while it runs.
        copied = nnx.clone(module)
        with hooks.hooked(copied):
            return copied(*given)

    closed, made = jax.make_jaxpr(call, return_shape=True)(*examples)
    whole = flattened(closed, called)
    whole.steps = needed(whole)
    outputs = output_names(made, len(whole.outputs), sorted)
    classes = dict(zip(hooks.names, hooks.classes, strict=True))
    return TracedModule(whole, named(whole), hooks.calls, hooks.names, outputs, classes)


@dataclass
class _Hooks:
    known: Callable[[Any], bool]
    calls: list[ModuleCall] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    classes: list[type] = field(default_factory=list)
    numbers: dict[int, int] = field(default_factory=dict)
    running: list[int] = field(default_factory=list)

    @contextmanager
    def hooked(self, root: Any) -> Iterator[None]:
        """Hooks the calls of all modules in one; afterwards their classes are as they were."""
        from flax import nnx

        classes: dict[type, Any] = {}
        modules = dict(nnx.iter_modules(root))
        chains = {path for path, module in modules.items() if isinstance(module, nnx.Sequential)}
        for path, module in modules.items():
            if id(module) not in self.numbers:
                self.numbers[id(module)] = len(self.names)
                self.names.append(_name(path, chains))
                self.classes.append(type(module))
            for each in type(module).__mro__:
                if "__call__" in vars(each) and each not in classes:
                    classes[each] = vars(each)["__call__"]
        try:
            for each, original in classes.items():
                setattr(each, "__call__", self._hook(original))  # noqa: B010 - of a class
            yield
        finally:
            for each, original in classes.items():
                setattr(each, "__call__", original)  # noqa: B010

    def _hook(self, original: Any) -> Any:
        import jax

        @wraps(original)
        def call(module: Any, *given: Any, **options: Any) -> Any:
            number = self.numbers.get(id(module))
            if number is None or number in self.running:
                return original(module, *given, **options)
            read = [each for each in (*given, *options.values()) if _is_traced(each)]
            if self.known(module) and given and all(map(_is_traced, given)):
                self.calls.append(ModuleCall(module, options))
                return _layer().bind(*read, call=len(self.calls) - 1, module=number)
            self.running.append(number)
            try:
                with jax.named_scope(f"cnnkit_module_{number}"):
                    return original(module, *given, **options)
            finally:
                self.running.pop()

        return call


def _name(path: Sequence[Any], chains: Set[Any]) -> str:
    """The names of a module, without the list ``layers`` that a ``Sequential`` has its own in."""
    parts = enumerate(map(str, path))
    return "/".join(part for place, part in parts if path[:place] not in chains)


def _is_traced(value: Any) -> bool:
    import jax

    return isinstance(value, jax.core.Tracer)


def _layer() -> Any:
    """The primitive of a layer that gives the shape of the tensor that it takes first."""
    from jax.extend.core import Primitive

    primitive = Primitive(LAYER)
    primitive.def_abstract_eval(lambda tensor, *_, **__: tensor)
    return primitive

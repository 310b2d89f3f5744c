"""The inputs and outputs of a traced module, which the code gives names or the place alone."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cnnkit.errors import UsageError
from cnnkit.spec.language.blocks import NAME


def input_names(function: Callable[..., Any], count: int) -> list[str]:
    """The names of a function's first parameters, or places where it has no such names."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        parameters = ()  # type: ignore[assignment]
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [each.name for each in parameters if each.kind in kinds]
    if len(names) < count:
        names = [f"input{place + 1}" for place in range(count)]
    return [allowed(name, f"input{place + 1}") for place, name in enumerate(names[:count])]


def output_names(given: Any, count: int, sort: Callable[[Any], Any] = list) -> list[str]:
    """The keys of a mapping of outputs, or their places.

    Args:
        given: What the module gives.
        count: How many tensors that is.
        sort: Brings the keys into the order of the tensors.
    """
    keys = sort(given) if isinstance(given, Mapping) and len(given) == count else ()
    names = [str(key) for key in keys] or [f"output{place + 1}" for place in range(count)]
    return [allowed(name, f"output{place + 1}") for place, name in enumerate(names)]


def allowed(name: str, otherwise: str) -> str:
    """A name as a spec may have it."""
    found = re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_-")
    return found if NAME.fullmatch(found) else otherwise


def examples_of(example: Any) -> Sequence[Any]:
    """The batches of all inputs: of one by itself, of several in a tuple or a list.

    Raises:
        UsageError: There is none.
    """
    given = tuple(example) if isinstance(example, tuple | list) else (example,)
    if not given:
        raise UsageError("the example has no tensor")
    return given

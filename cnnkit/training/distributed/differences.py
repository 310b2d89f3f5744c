"""In what processes that are to train together were started otherwise.

They run one program on one state, so a process of another spec would train another network, or
wait for good in a step that no other has. The first process says with what it was started, and each
other one ends where its own differs, and all the others with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import jax

from cnnkit.errors import UsageError
from cnnkit.spec.model.spec import Spec
from cnnkit.training.distributed.consensus import agreed, alone, together
from cnnkit.training.options import Options
from cnnkit.training.prepare.environment import versions

_MOST = 3
"""The differences that are named; more are counted."""
_ADVICE = {
    "another spec": "give all of them the same file and the same --set",
    "other options": "give all of them the same",
    "other software": "install the same versions everywhere",
}


def require_same_start(spec: Spec, options: Options) -> None:
    """Raises, in all processes, where one of them was started otherwise than the first.

    Args:
        spec: The spec of this process, as it was written.
        options: Its options, of which folders and devices may differ from machine to machine.

    Raises:
        UsageError: This process was.
        TrainingError: Another one was.
    """
    if alone():
        return
    own = {
        "another spec": spec.to_dict(),
        "other options": {"--limit": options.limit},
        "other software": versions(),
    }
    plain: dict[str, Any] = json.loads(json.dumps(own))
    first = agreed(plain)
    with together():
        for what, ours in plain.items():
            if found := list(differences(ours, first[what])):
                more = f", and {len(found) - _MOST} more" if len(found) > _MOST else ""
                raise UsageError(
                    f"process {jax.process_index()} was started with {what} than process 0: "
                    f"{'; '.join(found[:_MOST])}{more}: {_ADVICE[what]}"
                )


def differences(ours: Any, first: Any, name: str = "") -> Iterator[str]:
    """Where plain data differ from those of the first process, the deepest places alone.

    >>> list(differences({"train": {"seed": 3}}, {"train": {"seed": 0}}))
    ['`train.seed` is 3, and 0 in process 0']
    """
    if isinstance(ours, Mapping) and isinstance(first, Mapping):
        for key in dict.fromkeys([*first, *ours]):
            place = f"{name}.{key}" if name else key
            if key not in ours:
                yield f"`{place}` is not said, and {json.dumps(first[key])} in process 0"
            elif key not in first:
                yield f"`{place}` is {json.dumps(ours[key])}, and not said in process 0"
            else:
                yield from differences(ours[key], first[key], place)
    elif isinstance(ours, list) and isinstance(first, list) and len(ours) == len(first):
        for index, (one, other) in enumerate(zip(ours, first, strict=True)):
            yield from differences(one, other, f"{name}.{index}")
    elif isinstance(ours, list) and isinstance(first, list):
        yield f"`{name}` has {len(ours)} entries, and {len(first)} in process 0"
    elif ours != first:
        yield f"`{name}` is {json.dumps(ours)}, and {json.dumps(first)} in process 0"

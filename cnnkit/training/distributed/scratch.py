"""Where a process keeps a run that another one writes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cnnkit.training.distributed.consensus import is_first
from cnnkit.training.store.directory import RunDirectory


@contextmanager
def kept_by_the_first(
    begin: Callable[[], RunDirectory], alike: Callable[[Path], RunDirectory]
) -> Iterator[RunDirectory]:
    """The directory of a run: the user's in the first process, in each other one that goes with it.

    So all processes tell one story, and one of them is heard.

    Args:
        begin: Makes or opens what the user asked for.
        alike: Makes one at a path that is free.
    """
    if is_first():
        yield begin()
        return
    with tempfile.TemporaryDirectory(prefix="cnnkit-") as folder:
        yield alike(Path(folder) / "run")

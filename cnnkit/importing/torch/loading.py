"""A module that a command line names: ``torchvision.models:resnet50``. Its code is run."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from cnnkit.errors import UsageError


def load_module(name: str) -> Any:
    """What a callable of a Python module gives, in ``eval()``.

    Args:
        name: ``package.module:callable``; modules of the current folder are found, too.

    Raises:
        UsageError: There is none of that name, or it fails.
    """
    module_name, colon, callable_name = name.partition(":")
    if not (module_name and colon and callable_name):
        raise UsageError(f"--torch {name} names no callable: package.module:callable")
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        module = import_module(module_name)
        made = getattr(module, callable_name)()
    except Exception as error:  # the code is the user's own
        raise UsageError(f"--torch {name}: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(here)
    if not hasattr(made, "eval"):
        raise UsageError(f"--torch {name} gives {type(made).__name__}, no torch.nn.Module")
    return made.eval()

"""A trained network behind an HTTP endpoint: requests are joined to batches, and have limits.

Raises:
    MissingExtraError: On import, where a package is not installed that serving needs.
"""

from __future__ import annotations

from importlib.util import find_spec

from cnnkit.errors import MissingExtraError

_NEEDED = ("starlette", "uvicorn", "python_multipart", "prometheus_client")

if _missing := [name for name in _NEEDED if not find_spec(name)]:
    raise MissingExtraError(
        f"serving needs {_missing[0].replace('_', '-')}: pip install 'cnnkit[serve]'"
    )

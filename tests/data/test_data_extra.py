"""What is said where a package is not installed that data sets need."""

from __future__ import annotations

import importlib
import importlib.util

import pytest

import cnnkit.data
from cnnkit.errors import MissingExtraError


@pytest.mark.parametrize("package", ["numpy", "PIL", "sklearn"])
def test_a_missing_package_is_named(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else name)
    with pytest.raises(MissingExtraError) as caught:
        importlib.reload(cnnkit.data)
    assert str(caught.value) == f"data sets need {package}: pip install 'cnnkit[train]'"

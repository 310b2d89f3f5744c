"""The classes of all kinds as names of ``cnnkit.layers``."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from cnnkit import layers
from cnnkit.layers import KINDS, class_name, layer_class


@pytest.mark.parametrize("kind", KINDS)
def test_a_kinds_class_is_a_name_of_the_package(kind: str) -> None:
    assert getattr(layers, class_name(kind)) is layer_class(kind)
    assert layer_class(kind).__name__ == class_name(kind)
    assert class_name(kind) in dir(layers)


def test_the_names_are_those_of_the_classes() -> None:
    assert [class_name(kind) for kind in ("conv", "batch_norm", "relu6")] == [
        "Conv",
        "BatchNorm",
        "Relu6",
    ]
    assert layers.Conv(filters=8, kernel=3).effect((28, 28, 1)).output == (26, 26, 8)


def test_a_name_that_is_no_class() -> None:
    with pytest.raises(AttributeError, match=r"^module 'cnnkit.layers' has no attribute 'Cnov'$"):
        layers.Cnov  # type: ignore[attr-defined]  # noqa: B018


def test_type_checkers_see_each_class_where_it_is() -> None:
    (block,) = (
        node
        for node in ast.parse(Path(layers.__file__).read_text(encoding="utf-8")).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    seen = {
        (part.module, alias.name, alias.asname)
        for part in block.body
        if isinstance(part, ast.ImportFrom)
        for alias in part.names
    }
    classes = [layer_class(kind) for kind in KINDS]
    assert seen == {(cls.__module__, cls.__name__, cls.__name__) for cls in classes}


def test_one_class_loads_its_family_alone() -> None:
    code = (
        "import sys; from cnnkit import layers; before = set(sys.modules);"
        "assert 'pydantic' not in sys.modules or 'cnnkit.layers.pooling' not in before;"
        "assert layers.Dense; loaded = set(sys.modules);"
        "print(sorted(name for name in loaded if name.startswith('cnnkit.layers.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "'cnnkit.layers.dense'" in done.stdout
    assert not {"cnnkit.layers.pooling", "cnnkit.layers.composition"} & set(
        ast.literal_eval(done.stdout)
    )

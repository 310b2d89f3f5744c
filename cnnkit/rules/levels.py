"""The table of rules: the name of each, which is also its file's, and its level."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cnnkit.errors import Level

FOUND_ELSEWHERE: Mapping[str, Level] = MappingProxyType(
    {
        "unreadable-file": "error",
        "too-large": "error",
        "syntax": "error",
        "duplicate-key": "error",
        "unknown-key": "error",
        "missing-field": "error",
        "no-layers": "warning",
        "wrong-type": "error",
        "wrong-value": "error",
        "unknown-kind": "error",
        "unknown-name": "error",
        "duplicate-name": "error",
        "invalid-expression": "error",
        "recursive-block": "error",
        "recursive-extends": "error",
        "invalid-stride": "error",
        "window-too-large": "error",
        "padding-too-large": "error",
        "shape-mismatch": "error",
        "misaligned-branches": "warning",
        "misordered-input": "info",
        "unused-ignore": "info",
        "not-convertible": "error",
        "not-importable": "error",
    }
)
"""What reading and analysing find, `check` in comments, and `convert` and `import`."""

CHECKED: Mapping[str, Level] = MappingProxyType(
    {
        "expectation-failed": "error",
        "over-budget": "error",
        "not-trainable": "error",
        "head-loss-mismatch": "error",
        "beyond-last-epoch": "warning",
        "batch-norm-of-one": "warning",
        "softmax-inside": "warning",
        "missing-nonlinearity": "warning",
        "redundant-bias": "warning",
        "no-gradient": "warning",
        "dropout-before-batch-norm": "warning",
        "even-kernel-same": "warning",
        "mostly-padding": "warning",
        "unread-border": "info",
        "early-bottleneck": "warning",
        "small-receptive-field": "info",
        "large-dense": "warning",
        "dead-branch": "warning",
        "unused-input": "warning",
        "duplicate-output": "warning",
        "no-op-layer": "warning",
        "unused-block": "warning",
        "unused-variable": "warning",
        "channels-not-multiple-of-8": "info",
        "deprecated": "info",
    }
)
"""What ``applied`` finds in an analysis."""

LEVELS: Mapping[str, Level] = MappingProxyType({**FOUND_ELSEWHERE, **CHECKED})

OFF_BY_DEFAULT = frozenset({"channels-not-multiple-of-8"})

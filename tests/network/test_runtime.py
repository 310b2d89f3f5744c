"""What is set up before a training, and what is said of what could not be had."""

from __future__ import annotations

import pytest

from cnnkit.network import compilation_cache, runtime
from cnnkit.network.kernels import onednn


@pytest.mark.parametrize(
    ("problem", "state", "said"),
    [
        (None, onednn.State(True, True, "oneDNN 1"), ()),
        (None, onednn.State(False, False, "it is not installed"), ()),
        (
            "the folder is open to other users",
            onednn.State(False, True, "the extension is not built: `cnnkit doctor --build`"),
            (
                "compiled programs are not kept: the folder is open to other users",
                "no oneDNN: the extension is not built: `cnnkit doctor --build`",
            ),
        ),
    ],
)
def test_says_only_what_was_wanted_and_is_not_there(
    problem: str | None,
    state: onednn.State,
    said: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(compilation_cache, "enable", lambda: problem)
    monkeypatch.setattr(onednn, "load", lambda: state)
    assert runtime.prepare() == said

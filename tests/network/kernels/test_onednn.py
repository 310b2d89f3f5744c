"""The extension: what it refuses, and what is said where it is not there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cnnkit.network.kernels import onednn
from cnnkit.network.kernels.onednn import build
from cnnkit.network.kernels.onednn.convolution import TARGET

active = pytest.mark.skipif(not onednn.load().active, reason=onednn.load().reason)
NO_COMPILER = "there is no C++ compiler: install g++ (Debian: `apt install g++`)"


def call(
    first: tuple[int, ...] = (2, 5, 5, 4),
    second: tuple[int, ...] = (3, 3, 4, 6),
    result: tuple[int, ...] = (2, 3, 3, 6),
    dtype: Any = jnp.float32,
    **attributes: Any,
) -> None:
    given = {
        "operation": 0, "stride": [1, 1], "padding": [0, 0, 0, 0], "dilation": [1, 1], "groups": 1,
    } | attributes  # fmt: skip
    arrays = {
        name: np.int64(value) if isinstance(value, int) else np.array(value, np.int64)
        for name, value in given.items()
    }
    convolve = jax.ffi.ffi_call(TARGET, jax.ShapeDtypeStruct(result, dtype))
    jax.jit(lambda a, b: convolve(a, b, **arrays))(
        jnp.ones(first, dtype), jnp.ones(second, dtype)
    ).block_until_ready()


@active
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"result": (2, 4, 3, 6)}, "the output must be (input + padding - window) / stride + 1"),
        ({"result": (3, 3, 3, 6)}, "the batches must agree"),
        ({"second": (3, 3, 5, 6)}, "the filters must have the channels of a group"),
        ({"second": (7, 3, 4, 6)}, "the window must not be larger than the input"),
        ({"second": (3, 4, 6)}, "maps and filters must have as many axes"),
        ({"groups": 3}, "channels and filters must split into the groups"),
        ({"groups": 0}, "channels and filters must split into the groups"),
        ({"stride": [0, 1]}, "stride and dilation must be positive"),
        ({"padding": [-1, 0, 0, 0]}, "and padding not negative"),
        ({"padding": [0, 0]}, "stride, padding and dilation must be of one rank"),
        ({"stride": [1] * 4}, "there must be 1 to 3 spatial axes"),
        ({"operation": 3}, "the operation must be 0, 1 or 2"),
        ({"first": (2, 5, 5, 0), "second": (3, 3, 0, 6)}, "no axis may be empty"),
        ({"dtype": jnp.float16}, "the operands must be float32 or bfloat16"),
    ],
)
def test_shapes_that_do_not_agree_are_an_error_and_not_a_crash(
    wrong: dict[str, Any], said: str
) -> None:
    with pytest.raises(jax.errors.JaxRuntimeError) as caught:
        call(**wrong)
    assert said in str(caught.value)


@active
def test_a_call_that_is_right_returns() -> None:
    call()


@pytest.fixture
def no_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], onednn.Availability]:
    """Finds out anew whether oneDNN is used, in a home where nothing was built."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(build, "unsupported", lambda: None)
    monkeypatch.setattr(build, "not_installed", lambda: None)
    monkeypatch.setattr(build, "library", lambda: tmp_path / "private" / "convolution.so")
    return onednn.load.__wrapped__


def test_it_can_be_switched_off(
    no_state: Callable[[], onednn.Availability], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CNNKIT_ONEDNN", "off")
    assert no_state() == onednn.Availability(False, False, "switched off by CNNKIT_ONEDNN=off")


def test_an_extension_that_is_not_built_is_said(
    no_state: Callable[[], onednn.Availability],
) -> None:
    said = "the extension is not built: `cnnkit doctor --build`"
    assert no_state() == onednn.Availability(False, True, said)


def test_an_extension_that_others_can_change_is_not_loaded(
    no_state: Callable[[], onednn.Availability], tmp_path: Path
) -> None:
    library = tmp_path / "private" / "convolution.so"
    library.parent.mkdir(mode=0o700)
    library.write_bytes(b"not a library")
    library.chmod(0o722)
    assert no_state().reason == f"{library} can be changed by other users"
    library.chmod(0o700)
    assert no_state().reason.startswith(f"the extension can't be loaded: {library}: ")


def test_another_machine_has_no_extension(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    assert build.unsupported() == "the extension is for Linux on x86_64, not Darwin arm64"
    with pytest.raises(build.BuildError, match="is for Linux on x86_64"):
        build.build()


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "LIBRARY", "no-such-package")
    said = "oneDNN is not installed: `pip install 'cnnkit[train,onednn]'`"
    assert build.not_installed() == said


def test_without_a_compiler_it_says_so(no_state: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(build.BuildError) as caught:
        build.build()
    assert str(caught.value) == NO_COMPILER

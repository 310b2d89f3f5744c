"""The cache of compiled programs: private, complete, found again; never in the way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import jax
import numpy as np
import pytest
from jax.experimental.compilation_cache import compilation_cache as jax_cache

from cnnkit.network import compilation_cache

SETTINGS = (
    "jax_compilation_cache_dir",
    "jax_persistent_cache_min_compile_time_secs",
    "jax_persistent_cache_min_entry_size_bytes",
)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = {name: getattr(jax.config, name) for name in SETTINGS}
    jax.config.update("jax_compilation_cache_dir", None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield
    for name, value in before.items():
        jax.config.update(name, value)
    jax_cache.reset_cache()


def _compile(constant: float) -> None:
    jax.jit(lambda x: x * constant)(np.ones(3, np.float32)).block_until_ready()


def _programs(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.endswith("-cache"))


def test_a_quick_program_is_kept_though_others_were_compiled_before() -> None:
    _compile(1.5)
    assert compilation_cache.enable() is None
    before = len(_programs(compilation_cache.folder()))
    _compile(2.5)
    programs = _programs(compilation_cache.folder())
    assert len(programs) > before
    jax.clear_caches()
    _compile(2.5)
    assert _programs(compilation_cache.folder()) == programs


def test_the_folder_is_private() -> None:
    assert compilation_cache.enable() is None
    assert compilation_cache.folder().stat().st_mode & 0o777 == 0o700


def test_a_folder_that_is_open_to_others_is_not_trusted() -> None:
    compilation_cache.folder().mkdir(parents=True)
    compilation_cache.folder().chmod(0o755)
    problem = compilation_cache.enable()
    folder = compilation_cache.folder()
    assert problem == f"{folder} is open to other users: `chmod 700 {folder}`"
    assert jax.config.jax_compilation_cache_dir is None  # type: ignore[attr-defined]


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    assert compilation_cache.enable() == (
        f"{compilation_cache.folder()} can't be made: Not a directory"
    )


def test_the_users_own_cache_is_left_alone(tmp_path: Path) -> None:
    jax.config.update("jax_compilation_cache_dir", str(tmp_path / "own"))
    assert compilation_cache.enable() is None
    assert jax.config.jax_compilation_cache_dir == str(tmp_path / "own")  # type: ignore[attr-defined]
    assert not compilation_cache.folder().exists()

"""The user's cache folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnkit.folders import make_private, user_cache


def test_the_cache_folder_follows_the_xdg_specification(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert user_cache() == tmp_path / "cnnkit"
    monkeypatch.setenv("HOME", "/home/ada")
    for unusable in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", unusable)
        assert user_cache() == Path("/home/ada/.cache/cnnkit")


def test_a_private_folder_is_made_with_its_parents(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    assert make_private(folder) is None
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: tmp_path.stat().st_uid + 1)
    tmp_path.chmod(0o700)
    assert make_private(tmp_path) == f"{tmp_path} belongs to another user"

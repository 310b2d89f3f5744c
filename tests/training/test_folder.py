"""A folder is there with its files or not at all, under a name that was free."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnkit.errors import UsageError
from cnnkit.training.store.folder import make_folder


def fill(folder: Path) -> None:
    (folder / "spec.yaml").write_text("input: 4\n")


def made(wanted: Path, *, numbered: bool = False) -> Path | None:
    return make_folder(wanted, fill, files=("spec.yaml",), numbered=numbered)


def test_a_folder_has_its_files_and_no_other_is_left(tmp_path: Path) -> None:
    path = made(tmp_path / "deep" / "run")
    assert path == tmp_path / "deep" / "run"
    assert [each.name for each in path.iterdir()] == ["spec.yaml"]
    assert [each.name for each in path.parent.iterdir()] == ["run"]


def test_a_name_that_is_taken_is_left_alone_or_numbered(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("mine")
    assert made(tmp_path / "run") is None
    assert made(tmp_path / "run", numbered=True) == tmp_path / "run-2"
    assert made(tmp_path / "run", numbered=True) == tmp_path / "run-3"
    assert (tmp_path / "run").read_text() == "mine"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["run", "run-2", "run-3"]


def test_a_link_to_nowhere_is_a_name_that_is_taken(tmp_path: Path) -> None:
    (tmp_path / "run").symlink_to(tmp_path / "nowhere")
    assert made(tmp_path / "run") is None


def test_nothing_is_left_where_its_files_cannot_be_written(tmp_path: Path) -> None:
    def failing(folder: Path) -> None:
        fill(folder)
        raise OSError("no more")

    with pytest.raises(OSError, match="no more"):
        make_folder(tmp_path / "run", failing, files=("spec.yaml",), numbered=True)
    assert list(tmp_path.iterdir()) == []


def test_below_a_file_no_folder_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError) as caught:
        made(tmp_path / "file" / "run")
    assert str(caught.value).startswith(f"{tmp_path / 'file' / 'run'} can't be made: ")

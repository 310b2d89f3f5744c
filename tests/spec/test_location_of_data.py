"""Paths of data are seen from the folder of the spec that they are written in."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnkit.spec.model.training import Arrays, Csv, Data, Images, Packed
from cnnkit.spec.model.training.location import located
from cnnkit.spec.reading import load, read

SPEC = "input: 4x4x1\nlayers: [flatten, {{dense: {{units: 2}}}}]\ntrain: {{data: {data}}}\n"


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`specs/` for a spec, and `work/`, where the command runs."""
    for name in ("specs", "work", "home"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path


def written(folders: Path, data: str) -> Path:
    path = folders / "specs" / "net.yaml"
    path.write_text(SPEC.format(data=data))
    return path


def files(data: Data | None) -> list[object]:
    match data:
        case Images():
            return [data.images, data.test]
        case Csv():
            return [data.csv, data.test]
        case Arrays():
            return [data.arrays]
        case Packed():
            return [data.packed]
    return []


@pytest.mark.parametrize("make", ["{{images: {0}, test: {1}}}", "{{csv: {0}, test: {1}}}"])
def test_the_folder_of_the_spec_is_taken(make: str, folders: Path) -> None:
    spec = load(written(folders, make.format("a", "../b")))
    found = located(spec)
    assert files(found.data) == [str(folders / "specs/a"), str(folders / "specs/../b")]
    assert found.notes == ()


def test_the_working_folder_is_taken_with_a_warning_where_only_it_has_the_file(
    folders: Path,
) -> None:
    (folders / "work" / "set.npz").write_bytes(b"")
    path = written(folders, "{arrays: set.npz}")
    found = located(load(path))
    assert files(found.data) == [str(folders / "work/set.npz")]
    assert found.notes == (
        (
            f"set.npz of {path} is taken from the working folder, {folders / 'work'}, for there is "
            "none in the spec's: paths of data are seen from there, write the whole path"
        ),
    )
    (folders / "specs" / "set.npz").write_bytes(b"")
    found = located(load(path))
    assert files(found.data) == [str(folders / "specs/set.npz")]
    assert found.notes == (
        f"set.npz of {path} is {folders / 'specs/set.npz'}, and not that in the working folder",
    )


def test_home_and_whole_paths_are_where_they_say(folders: Path) -> None:
    assert files(located(load(written(folders, "{arrays: ~/set.npz}"))).data) == [
        str(folders / "home/set.npz")
    ]
    assert files(located(load(written(folders, "{arrays: /sets/set.npz}"))).data) == [
        "/sets/set.npz"
    ]


def test_what_the_command_line_gives_is_seen_from_where_it_runs(folders: Path) -> None:
    path = written(folders, "{arrays: set.npz}")
    spec = read(path, ["train.data.arrays=other.npz"]).spec
    assert spec is not None
    assert files(located(spec).data) == [str(folders / "work/other.npz")]
    plain = {"input": "4", "layers": ["relu"], "train": {"data": {"arrays": "set.npz"}}}
    assert files(located(load(plain)).data) == [str(folders / "work/set.npz")]


def test_a_path_of_a_base_is_seen_from_the_base(folders: Path) -> None:
    (folders / "specs" / "bases").mkdir()
    base = folders / "specs" / "bases" / "base.yaml"
    base.write_text(SPEC.format(data="{csv: set.csv}"))
    child = folders / "specs" / "child.yaml"
    child.write_text("extends: bases/base.yaml\nname: child\n")
    assert files(located(load(child)).data) == [str(folders / "specs/bases/set.csv"), None]


def test_data_with_a_name_have_no_path(folders: Path) -> None:
    assert located(load(written(folders, "digits"))) == ("digits", ())
    assert located(load({"input": "4", "layers": ["relu"]})) == (None, ())


def test_a_url_is_no_path(folders: Path) -> None:
    for place, found in (
        ("s3://bucket/pets", "s3://bucket/pets"),
        ("pets", str(folders / "specs" / "pets")),
    ):
        spec = load(written(folders, f'{{packed: "{place}"}}'))
        assert files(located(spec).data) == [found]

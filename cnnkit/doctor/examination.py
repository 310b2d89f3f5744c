"""Looks at versions, devices, the extension, the cache and the data, and at what is missing."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec

from cnnkit import __version__
from cnnkit.doctor.fact import Fact
from cnnkit.folders import StrPath, user_cache


@dataclass(frozen=True, slots=True)
class Examination:
    """All that was looked at."""

    facts: tuple[Fact, ...]

    def to_dict(self) -> dict[str, object]:
        """The examination as JSON shows it."""
        return {
            "format": 1,
            "facts": [
                {name: getattr(fact, name) for name in Fact.__slots__} for fact in self.facts
            ],
        }


def examine(data_dir: StrPath | None = None) -> Examination:
    """Look at everything. Without the extra `train`, say so and look at the rest.

    Args:
        data_dir: Where the data sets lie, if not where they lie by default.
    """
    facts = [*_versions()]
    if find_spec("jax") is None:
        advice = "pip install 'cnnkit[train]'"
        facts.append(Fact("devices", "JAX", "not installed", "missing", advice))
    else:
        from cnnkit.doctor import machine

        facts += [*machine.devices(), *machine.extension()]
    facts += [*_cache(), *_data(data_dir)]
    if find_spec("jax") is not None:
        facts += machine.speed()
    return Examination(tuple(facts))


def _versions() -> Iterator[Fact]:
    yield Fact("versions", "cnnkit", __version__)
    yield Fact("versions", "Python", f"{platform.python_version()}, {platform.platform()}")
    for package in _packages("train"):
        try:
            yield Fact("versions", package, version(package))
        except PackageNotFoundError:
            yield Fact(
                "versions", package, "not installed", "missing", "pip install 'cnnkit[train]'"
            )


def _packages(extra: str) -> list[str]:
    """The packages that an extra asks for, as the metadata of cnnkit names them."""
    try:
        lines = requires("cnnkit") or []
    except PackageNotFoundError:  # a checkout that was never installed
        return []
    marked = [line.partition(";") for line in lines]
    return [
        requirement.strip().partition(">")[0].partition("=")[0].strip()
        for requirement, _, marker in marked
        if f"extra == '{extra}'" in marker
    ]


def _cache() -> Iterator[Fact]:
    folder = user_cache() / "compiled"
    if not folder.is_dir():
        yield Fact("cache", "compiled programs", f"none yet; they will be kept in {folder}")
        return
    sizes = [path.stat().st_size for path in folder.iterdir() if path.is_file()]
    advice = f"it may be deleted: rm -r {folder}" if sum(sizes) > 1 << 30 else None
    yield Fact(
        "cache",
        "compiled programs",
        f"{sum(sizes) / (1 << 20):,.0f} MiB in {len(sizes)} files, {folder}",
        "info" if advice else "good",
        advice,
    )


def _data(given: StrPath | None) -> Iterator[Fact]:
    if any(find_spec(name) is None for name in ("numpy", "PIL", "sklearn")):
        yield Fact(
            "data", "folder", "data sets can't be read", "missing", "pip install 'cnnkit[train]'"
        )
        return
    from cnnkit.data.files import data_directory
    from cnnkit.data.published import PUBLICATIONS

    folder = data_directory(given)
    free = shutil.disk_usage(next(path for path in (folder, *folder.parents) if path.exists()))
    yield Fact("data", "folder", f"{folder}, {free.free / (1 << 30):,.0f} GiB free")
    for name, publication in PUBLICATIONS.items():
        place = folder / publication.folder
        there = place.is_dir() and any(place.iterdir())
        yield Fact(
            "data",
            name,
            str(place) if there else "not there",
            "good" if there else "info",
            None if there else f"cnnkit data fetch {name}",
        )

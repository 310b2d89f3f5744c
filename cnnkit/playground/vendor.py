"""Fetches what others made of the playground: ``python -m cnnkit.playground.vendor``.

Pyodide and the editor are npm packages, pydantic and its core for WebAssembly are wheels. Each is
pinned with its checksum, in ``web/package-lock.json`` and ``wheels.txt``, and the ordinary clients
hold to these: ``npm ci`` and ``pip download --require-hashes``. A release holds the folder that is
filled here, so that only who works on a checkout needs npm and a network.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cnnkit.errors import MissingExtraError

HOME: Final = Path(__file__).parent
VENDOR: Final = HOME / "vendor"
"""The folder that is filled; git leaves it out."""

SPECS: Final = HOME.parents[1] / "specs"
"""The shipped specs of a checkout; a wheel has those in ``VENDOR``."""

_PYODIDE: Final = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
_PLATFORM: Final = (
    *("--platform", "pyemscripten_2026_0_wasm32", "--python-version", "3.14"),
    *("--implementation", "cp", "--abi", "cp314", "--only-binary", ":all:"),
)


def file_name(package: str) -> str:
    """What the module of a package is called in ``VENDOR``.

    >>> file_name("@codemirror/view")
    'codemirror-view.js'
    """
    return package.lstrip("@").replace("/", "-") + ".js"


def fetch() -> None:
    """Fills ``VENDOR`` anew.

    Raises:
        MissingExtraError: There is no npm.
        subprocess.CalledProcessError: A package is not to be had, or is not what is pinned.
    """
    if (npm := shutil.which("npm")) is None:
        raise MissingExtraError(
            "the playground's parts are fetched by npm, which comes with Node.js"
        )
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HOME / "web" / name, work)
        _run(work, npm, "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund")
        _run(
            work,
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", "wheels"),
            *("--require-hashes", "--requirement", str(HOME / "wheels.txt"), *_PLATFORM),
        )
        shutil.rmtree(VENDOR, ignore_errors=True)
        packages = work / "node_modules"
        for name in _PYODIDE:
            _put(packages / "pyodide" / name, VENDOR / "pyodide" / name)
        names = {package: file_name(package) for package in _editor(work)}
        for package, name in names.items():
            _put(packages / package / _module(packages / package), VENDOR / "editor" / name)
        (VENDOR / "editor.json").write_text(json.dumps(names, indent=1), "utf-8")
        for licence in sorted(packages.glob("**/LICENSE*")):
            name = file_name(licence.parent.relative_to(packages).as_posix()).removesuffix(".js")
            _put(licence, VENDOR / "licences" / f"{name}.txt")
        for wheel in sorted((work / "wheels").iterdir()):
            _put(wheel, VENDOR / "wheels" / wheel.name)
        for kind in ("lectures", "zoo"):
            for spec in sorted((SPECS / kind).glob("*.yaml")):
                _put(spec, VENDOR / "specs" / kind / spec.name)


def _editor(work: Path) -> Iterator[str]:
    """The packages that the editor is made of: all but Pyodide and what it wants in Node.js."""
    locked = json.loads((work / "package-lock.json").read_text("utf-8"))["packages"]
    others = {"", "pyodide", *locked["node_modules/pyodide"]["dependencies"]}
    for place, entry in locked.items():
        name = place.removeprefix("node_modules/")
        if name not in others and not entry.get("dev"):
            yield name


def _module(package: Path) -> str:
    """The file of a package that is imported as a module."""
    said = json.loads((package / "package.json").read_text("utf-8"))
    exported = said.get("exports", {})
    module: str = said.get("module") or exported.get("import") or said["main"]
    return module


def _put(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _run(folder: Path, *command: str) -> None:
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)  # noqa: S603


if __name__ == "__main__":
    fetch()
    print(f"filled {VENDOR}")

"""Fetches what others made of the playground: ``python -m cnnkit.playground.vendor``.

Pyodide and the editor are npm packages, pydantic and its core for WebAssembly are wheels. Each is
pinned with its checksum, in ``web/package-lock.json`` and ``wheels.txt``, and the ordinary clients
hold to these: ``npm ci`` and ``pip download --require-hashes``. A release holds the folder that is
filled here, so that only who works on a checkout needs npm and a network.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

import markupsafe
import yaml

from cnnkit.errors import MissingExtraError

HOME: Final = Path(__file__).parent
VENDOR: Final = HOME / "vendor"
"""The folder that is filled; git leaves it out."""

SPECS: Final = HOME.parents[1] / "specs"
"""The shipped specs of a checkout; a wheel has those in ``VENDOR``."""

ROOMS: Final = (
    *("layers", "spec", "analysis", "rules", "checking", "report", "pages", "presentation"),
    *("tasks", "export", "exercises", "playground/calculator"),
)
"""The rooms that the calculator imports from."""

_LEFT_OUT: Final = (
    *("analysis/extents/", "analysis/solve/", "export/onnx/", "report/dataset.py"),
    *("report/doctor.py", "report/extents.py", "report/solution/", "report/verification.py"),
    *("report/notebook.py", "report/score.py", "report/comparison/changes.py"),
    "pages/notebook.py",
    *(f"report/analysis/{name}.py" for name in ("csv", "latex", "pdf", "table", "tikz")),
    *(f"report/findings/{name}.py" for name in ("github", "gitlab", "junit", "sarif", "places")),
    *("report/drawing/pdf.py", "report/drawing/tikz.py", "presentation/latex.py"),
    *("presentation/plot.py", "exercises/grading.py", "exercises/sheets/", "spec/schema/"),
)
_ENCODINGS: Final = (
    *("__init__", "aliases", "ascii", "charmap", "cp437", "idna", "latin_1", "punycode"),
    *("raw_unicode_escape", "unicode_escape", "utf_"),
)
# What unpacks the rest, beside what Pyodide itself imports to start.
_UNPACKING: Final = frozenset({"lzma", "compression", "json", "io", "bz2"})
# Of the packages, what is for other tools, or for code of another time.
_ASIDE: Final = (
    *("pydantic/v1/", "pydantic/mypy.py", "pydantic/experimental/", "pydantic/color.py"),
    "annotated_types/test_cases.py",
)

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
        _put_page(work)
        _put_python(work)
        for kind in ("lectures", "zoo"):
            for spec in sorted((SPECS / kind).glob("*.yaml")):
                _put(spec, VENDOR / "specs" / kind / spec.name)


def _put_page(work: Path) -> None:
    """The editor's modules, Pyodide, and the licences of both."""
    packages = work / "node_modules"
    for name in ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm"):
        _put(packages / "pyodide" / name, VENDOR / "pyodide" / name)
    # Pyodide reads which packages it might load from elsewhere: here there are none.
    lock = json.loads((packages / "pyodide" / "pyodide-lock.json").read_text("utf-8"))
    lock["packages"] = {}
    (VENDOR / "pyodide" / "pyodide-lock.json").write_text(json.dumps(lock), "utf-8")
    names = {package: file_name(package) for package in _editor(work)}
    smaller = (str(packages / ".bin" / "esbuild"), "--minify", "--format=esm", "--log-level=error")
    for package, name in names.items():
        module = packages / package / _module(packages / package)
        _run(work, *smaller, str(module), f"--outfile={VENDOR / 'editor' / name}")
    (VENDOR / "editor.json").write_text(json.dumps(names, indent=1), "utf-8")
    for licence in sorted(packages.glob("**/LICENSE*")):
        if licence.is_relative_to(packages / "esbuild"):
            continue
        name = file_name(licence.parent.relative_to(packages).as_posix()).removesuffix(".js")
        _put(licence, VENDOR / "licences" / f"{name}.txt")


def _put_python(work: Path) -> None:
    """Python's library and the packages, compiled, and the bytecode of this package."""
    sources, compiled = work / "sources", work / "compiled"
    with zipfile.ZipFile(work / "node_modules" / "pyodide" / "python_stdlib.zip") as library:
        unused = (HOME / "unused.txt").read_text("utf-8").split()
        names = [name for name in library.namelist() if _used(name, unused)]
        library.extractall(sources / "stdlib", names)
    for wheel in sorted((work / "wheels").iterdir()):
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if _wanted(name)]
            archive.extractall(sources / "site", names)
    # PyYAML's parser in Python is a part of it on every platform, as is MarkupSafe's own.
    for package in (Path(yaml.__file__).parent, Path(str(markupsafe.__file__)).parent):
        for path in package.glob("*.py"):
            _put(path, sources / "site" / package.name / path.name)
    for name, path in modules():
        _put(path, sources / "cnnkit" / name)
    _put(HOME / "web" / "compile.mjs", work / "compile.mjs")
    _run(work, "node", "compile.mjs", str(HOME / "bytecode.py"))
    loaded = (work / "loaded.txt").read_text("utf-8").split()
    early = {*_UNPACKING, *(name.partition(".")[0] for name in loaded)}
    for folder in ("stdlib", "site"):
        for home in (sources / folder, compiled / folder):
            for path in sorted(file for file in home.rglob("*") if file.is_file()):
                inner = path.relative_to(home)
                first = inner.parts[0].removesuffix(".pyc")
                place = "stdlib" if folder == "stdlib" and first in early else "site"
                if path.suffix != ".py":
                    _put(path, VENDOR / place / inner)
    digests = {}
    for name, path in modules():
        _put((compiled / "cnnkit" / name).with_suffix(".pyc"), VENDOR / "bytecode" / f"{name}c")
        digests[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    (VENDOR / "bytecode.json").write_text(json.dumps(digests, indent=1), "utf-8")


def _used(name: str, unused: Collection[str]) -> bool:
    """Whether a file of Python's own library is taken along: its module, or a package of it."""
    folder, _, rest = name.partition("/")
    if folder == "encodings":
        return rest.startswith(_ENCODINGS)
    parts = name.removesuffix(".py").split("/")
    return not any(".".join(parts[:end]) in unused for end in range(1, len(parts) + 1))


def _wanted(name: str) -> bool:
    """Whether a file of a wheel is taken along: code, and licences."""
    return not name.startswith(_ASIDE) and (
        name.endswith((".py", ".so")) or ".dist-info/licenses/" in name
    )


def modules() -> Iterator[tuple[str, Path]]:
    """The modules of this package that the calculator may import, by their names in it."""
    package = HOME.parent
    paths = [
        *package.glob("*.py"),
        *(path for room in ROOMS for path in (package / room).rglob("*.py")),
    ]
    for path in sorted(paths):
        name = path.relative_to(package).as_posix()
        if not name.startswith(_LEFT_OUT):
            yield name, path


def _editor(work: Path) -> Iterator[str]:
    """The packages that the editor is made of: not Pyodide, esbuild, and what they want."""
    locked = json.loads((work / "package-lock.json").read_text("utf-8"))["packages"]
    pyodide, esbuild = (locked[f"node_modules/{name}"] for name in ("pyodide", "esbuild"))
    wanted = {*pyodide["dependencies"], *esbuild["optionalDependencies"]}
    others = {"", "pyodide", "esbuild", *wanted}
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

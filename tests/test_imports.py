"""What is loaded: the analyser never pays for the training backend, nor for rich."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SPEC = str(ROOT / "specs" / "lectures" / "rgb-valid-4-classes.yaml")
HEAVY = {"jax", "jaxlib", "flax", "optax", "numpy", "scipy", "matplotlib", "sklearn", "torch"}
CLI = "import sys; sys.argv = ['cnnkit', {}]\nfrom cnnkit.__main__ import main\nmain()"


def loaded(code: str, *before: str) -> set[str]:
    """The top-level packages that a fresh interpreter has loaded after running some code."""
    listing = "import sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    script = f"import atexit; atexit.register(lambda: exec({listing!r}))\n{code}"
    done = subprocess.run(
        [sys.executable, *before, "-c", script], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return set(done.stdout.splitlines()[-1].split())


def command(*arguments: str) -> str:
    return CLI.format(", ".join(map(repr, arguments)))


def test_this_test_sees_what_is_loaded() -> None:
    assert "email" in loaded("import email.message")
    assert "email" not in loaded("pass")
    assert {"typer", "yaml"} <= loaded(command("analyze", SPEC))
    for package in ("numpy", "rich"):
        pytest.importorskip(package)
        assert package in loaded(f"import {package}")


@pytest.mark.parametrize(
    "code",
    [
        "import cnnkit",
        "import cnnkit; cnnkit.analyze; cnnkit.load; cnnkit.Spec",
        f"import cnnkit; cnnkit.analyze(cnnkit.load({SPEC!r}))",
        command("analyze", SPEC),
        command("analyze", SPEC, "--explain"),
        command("analyze", SPEC, "--devices", "8", "--machine", "h100", "--scaling"),
        command("--version"),
        command("kind"),
        command("kind", "squeeze_excite"),
        command("exercises", "--level", "3"),
    ],
    ids=[
        "import",
        "names",
        "analyze",
        "command",
        "explain",
        "devices",
        "version",
        "kinds",
        "kind",
        "exercises",
    ],
)
def test_the_training_backend_is_not_loaded(code: str) -> None:
    assert loaded(code) & HEAVY == set()


def test_a_page_loads_neither_training_nor_the_command_line() -> None:
    """What runs in a browser has the standard library, pydantic and yaml."""
    questions = [
        {"question": "account", "text": "input: 4x4x1\nlayers: [{conv: {filters: 1, kernel: 2}}]"},
        {
            "question": "fixes",
            "text": "input: 7x7x1\nlayers: [{max_pool: {size: 2}}]",
            "finding": 0,
        },
        {"question": "layer", "text": "input: 4\nlayers: [relu]", "path": "layers.0"},
        {"question": "differences", "old": "input: 4\nlayers: [relu]", "new": "input: 4"},
        *(
            {"question": "download", "text": "input: 4\nlayers: [relu]", "kind": kind}
            for kind in ("svg", "html", "json", "torch", "keras", "flax")
        ),
        {
            "question": "practice",
            "topic": "sizes",
            "level": 1,
            "seed": 1,
            "language": "en",
            "given": {"answer": "3"},
        },
    ]
    code = (
        "import json; from cnnkit.playground.calculator import answer\n"
        f"for each in {questions!r}: assert 'value' in json.loads(answer(json.dumps(each)))"
    )
    assert loaded(code) & {*HEAVY, "typer", "rich"} == set()


def test_the_package_itself_loads_next_to_nothing() -> None:
    assert loaded("import cnnkit") & {"pydantic", "yaml", "typer", "rich"} == set()


@pytest.mark.parametrize("format_", ["json", "csv", "markdown", "table"])
def test_a_report_that_is_piped_loads_neither_rich_nor_templates(format_: str) -> None:
    assert loaded(command("analyze", SPEC, "--format", format_)) & {"rich", "jinja2"} == set()


def test_a_small_spec_does_not_load_the_families_it_does_not_use() -> None:
    script = "import cnnkit, sys; cnnkit.load('input: 8\\nlayers: [relu]'); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    modules = set(done.stdout.split())
    assert "cnnkit.layers.activation" in modules
    assert "cnnkit.layers.convolution" not in modules
    assert "cnnkit.layers.normalization" not in modules


# The rooms of the house, from the ground floor up, and the rooms that each may import from. The
# package itself names what its rooms offer and is no room; `errors`, `folders` and `garbage` are
# single files on the ground.
GROUND = {"errors", "folders", "garbage"}
ROOMS = {
    "tasks": set[str](),
    "layers": set[str](),
    "templates": set[str](),
    "presentation": set[str](),
    "pages": {"presentation"},
    "spec": {"layers", "tasks"},
    "analysis": {"spec", "layers"},
    "rules": {"analysis", "spec", "layers", "tasks"},
    "network": {"analysis", "spec", "layers"},
    "importing": {"network", "spec", "layers"},
    "exercises": {"analysis", "spec", "pages", "presentation"},
    "checking": {"importing", "rules", "analysis", "spec"},
    "data": {"spec", "layers", "tasks"},
    "export": {"spec", "layers"},
    "training": {
        "export", "checking", "network", "data", "analysis", "spec", "layers", "tasks",
        "pages", "presentation",
    },
    "selection": {
        "training", "checking", "network", "data", "analysis", "spec", "tasks", "pages",
        "presentation",
    },
    "serving": {"training", "data", "layers", "pages", "presentation"},
    "activations": {
        "training", "network", "data", "spec", "layers", "pages", "presentation",
    },
    "doctor": {"network", "data", "analysis", "spec"},
    "report": {
        "doctor", "checking", "rules", "network", "data", "analysis", "spec", "layers",
        "pages", "presentation",
    },
    "playground": {
        "exercises", "report", "checking", "rules", "export", "analysis", "spec", "layers",
        "templates", "presentation",
    },
    "cli": {
        "playground",
        "serving", "exercises", "activations", "selection", "training", "importing", "export",
        "report", "doctor", "checking", "rules", "network", "data", "analysis", "spec", "layers",
        "tasks", "templates", "presentation",
    },
}  # fmt: skip


def test_every_room_is_in_the_table() -> None:
    rooms = {path.parent.name for path in (ROOT / "cnnkit").glob("*/__init__.py")}
    assert rooms == set(ROOMS)


def test_the_table_points_one_way() -> None:
    above: set[str] = set()
    for room in reversed(ROOMS):
        assert not ROOMS[room] & above, f"{room} imports from rooms above it"
        above.add(room)


@pytest.mark.parametrize("room", ROOMS)
def test_imports_point_one_way(room: str) -> None:
    allowed = {*ROOMS[room], room, *GROUND}
    for path in sorted((ROOT / "cnnkit" / room).rglob("*.py")):
        for module in imported(path):
            if module.startswith("cnnkit.") and not module.startswith("cnnkit.__"):
                assert module.split(".")[1] in allowed, f"{path.name} imports {module}"


def test_no_file_is_imported_by_what_it_imports() -> None:
    """Imports for types and inside functions count; the package's own names do not."""
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in (ROOT / "cnnkit").rglob("*.py")
    }
    del modules["cnnkit"]
    graph = {
        name: {found for each in imported(path) if (found := _module(each, modules)) != name}
        for name, path in modules.items()
    }
    for reads in graph.values():
        reads.discard("")
    for name, reads in graph.items():
        assert name not in _reached(reads, graph), f"{name} is imported by what it imports"


def _module(name: str, modules: Mapping[str, Path]) -> str:
    """The module that a name is, or is of; empty where it is none of ours."""
    if name in modules:
        return name
    parent = name.rpartition(".")[0]
    return parent if parent in modules else ""


def _reached(start: set[str], graph: Mapping[str, set[str]]) -> set[str]:
    found, left = set(start), list(start)
    while left:
        for name in graph[left.pop()] - found:
            found.add(name)
            left.append(name)
    return found


def imported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found

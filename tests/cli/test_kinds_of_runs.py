"""Each kind of directory has its own page, and no command takes one kind for another."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import Run

pytest.importorskip("jax")
pytest.importorskip("optuna")

SPEC = """\
name: tiny
input: 8x8x1
variables: {width: 4}
layers: [flatten, {dense: {units: $width, activation: relu}}, {dense: {units: 10}}]
train: {data: digits, epochs: 1, optimizer: adam, learning_rate: 0.01, batch_size: 256}
search: {variables.width: [4, 8], settings: {method: grid}}
"""


@pytest.fixture(autouse=True)
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    Path("tiny.yaml").write_text(SPEC)


def test_each_kind_has_its_own_page(run: Run) -> None:
    device = ("--device", "cpu", "-q")
    assert run("search", "tiny.yaml", *device).code == 0
    assert run("search", "tiny.yaml", "--nested", "2", *device).code == 0
    assert run("cross-validate", "tiny.yaml", "--folds", "2", *device).code == 0
    assert run("train", "tiny.yaml", *device).code == 0
    titles = {
        "runs/tiny-search": "<h1>Search: tiny</h1>",
        "runs/tiny-nested": "<h1>Nested search: tiny</h1>",
        "runs/tiny-folds": "<h1>Cross-validation: tiny</h1>",
        "runs/tiny": "<h1>tiny</h1>",
    }
    for path, title in titles.items():
        written = Path(path, "report.html")
        before = written.read_text("utf-8")
        assert title in before
        again = run("report", path)
        assert (again.code, again.out) == (0, f"{written}\n")
        # All of a run's own page is in its files, the drawn curves of a search but for their ids.
        assert title in written.read_text("utf-8")
        assert len(written.read_text("utf-8")) == pytest.approx(len(before), rel=0.01)
        elsewhere = run("report", path, "--output", "page.html")
        assert (elsewhere.code, elsewhere.out) == (0, "page.html\n")

    folds = json.loads(Path("runs/tiny-folds/summary.json").read_text())
    page = Path("runs/tiny-folds/report.html").read_text("utf-8")
    accuracy = 100 * sum(fold["metrics"]["accuracy"] for fold in folds["folds"]) / 2
    assert f"{accuracy:.2f} % ± " in page
    assert "The test split of 270 examples was not looked at." in page

    final = next(Path("runs/tiny-search").glob("final-*"))
    found = f"a search, not a training: its best network is in {final}"
    for command in (
        ("evaluate", "runs/tiny-search"),
        ("predict", "runs/tiny-search", "image.png"),
        ("train", "--resume", "runs/tiny-search"),
        ("activations", "runs/tiny-search", "china.jpg"),
    ):
        ended = run(*command)
        assert (ended.code, ended.err) == (2, f"cnnkit: runs/tiny-search is {found}\n"), command
    compared = run("compare", "runs/tiny-search", "runs/tiny-folds")
    assert compared.err.startswith(
        "cnnkit: runs/tiny-search is a search, not a training or a cross-validation: "
    )
    taken = run("train", "tiny.yaml", "--run-dir", "runs/tiny-folds")
    assert taken.err == (
        "cnnkit: runs/tiny-folds is there already and holds a cross-validation, and nothing is "
        "overwritten: give another --run-dir\n"
    )


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nowhere", "there is no run nowhere"),
        (
            "tiny.yaml",
            "tiny.yaml is a file, not the directory of a run: `cnnkit train tiny.yaml` makes one",
        ),
        ("runs", "runs is no run: it has no spec.yaml; it holds runs/a, runs/b: name one of them"),
        ("specs", "specs is no run: it has no environment.json"),
    ],
)
@pytest.mark.parametrize("command", ["evaluate", "predict", "report", "--resume", "compare"])
def test_what_is_no_run_is_named(run: Run, command: str, path: str, message: str) -> None:
    for name in ("runs/a", "runs/b", "specs"):
        Path(name).mkdir(parents=True)
    Path("runs/a/split.json").write_text("{}")
    Path("runs/b/folds.json").write_text("{}")
    Path("specs/spec.yaml").write_text(SPEC)
    before = sorted(Path().rglob("*"))
    more = ("image.png",) if command == "predict" else ()
    if path == "tiny.yaml" and command in ("evaluate", "predict"):  # they take a spec and weights
        message = (
            "tiny.yaml is a spec, which has no weights: give them as --weights FILE.safetensors, "
            "or a run in its place"
        )
    ended = run(*(("train", command) if command == "--resume" else (command,)), path, *more)
    assert (ended.code, ended.err) == (2, f"cnnkit: {message}\n")
    assert [path for path in sorted(Path().rglob("*")) if "cache" not in path.parts] == before


def test_a_search_without_results_has_no_page(run: Run) -> None:
    Path("found").mkdir()
    for name in ("spec.yaml", "environment.json", "study.db"):
        Path("found", name).write_text("{}")
    ended = run("report", "found")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        "cnnkit: found is a search without results.json: nothing has come of it yet; the command "
        "that began it goes on with it\n"
    )
    assert not Path("found/report.html").exists()

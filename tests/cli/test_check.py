"""`cnnkit check`: exit codes, formats, and what is said where."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli.command import Run, runner

FINE = """\
input: 3x3x3
layers:
  - conv: {filters: 8, kernel: 3, activation: relu}
"""
FAULTY = """\
input: 7x7x3
layers:
  - conv: {filters: 8, kernel: 3, stride: 3}
"""
WARNED = """\
input: 4x4x8
layers:
  - conv: {filters: 8, kernel: 4, padding: same}
"""
IDLE = """\
input: 3x3x3
variables: {width: 8}  # as in the paper
layers:
  - dropout: {rate: 0}
  - conv: {filters: $width, kernel: 3}
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        monkeypatch.delenv(name, raising=False)
    Path("fine.yaml").write_text(FINE)
    Path("faulty.yaml").write_text(FAULTY)
    Path("warned.yaml").write_text(WARNED)
    return runner(monkeypatch, capfd)


def test_the_text_ends_with_the_numbers(run: Run) -> None:
    done = run("check", "fine.yaml", "faulty.yaml", "warned.yaml")
    assert done.code == 1
    assert done.err == ""
    faulty, warned, summary = done.out.split("\n\n")
    first, line, caret, advice = faulty.splitlines()
    assert first.startswith("faulty.yaml:3:43: stride 3 does not fit: ")
    assert first.endswith("  [invalid-stride]")
    assert line == "  3 |   - conv: {filters: 8, kernel: 3, stride: 3}"
    assert caret == "    |                                           ^"
    assert advice.startswith("  help: ")
    assert warned.startswith("warned.yaml:3:32: warning: ")
    assert summary == "checked 3 specs: 1 error, 1 warning\n"


@pytest.mark.parametrize(
    ("arguments", "code", "summary"),
    [
        (["fine.yaml"], 0, "checked 1 spec: no findings"),
        (["faulty.yaml"], 1, "checked 1 spec: 1 error"),
        (["warned.yaml"], 0, "checked 1 spec: 1 warning"),
        (["warned.yaml", "--strict"], 1, "checked 1 spec: 1 warning"),
        (["fine.yaml", "--strict"], 0, "checked 1 spec: no findings"),
        (["faulty.yaml", "--exit-zero"], 0, "checked 1 spec: 1 error"),
        (["warned.yaml", "--strict", "--exit-zero"], 0, "checked 1 spec: 1 warning"),
        ([".", "--ignore", "invalid-stride,even-kernel-same"], 0, "checked 3 specs: no findings"),
        ([".", "--ignore", "invalid-stride", "--ignore", "even-kernel-same"], 0, "no findings"),
        ([".", "--select", "even-kernel-same"], 0, "checked 3 specs: 1 warning"),
        (["."], 1, "checked 3 specs: 1 error, 1 warning"),
        (["*.yaml"], 1, "checked 3 specs: 1 error, 1 warning"),
        (["fine.yaml", "--set", "layers.0.kernel=9"], 1, "checked 1 spec: 1 error"),
        (["fine.yaml", "warned.yaml", "--jobs", "2"], 0, "checked 2 specs: 1 warning"),
    ],
)
def test_exit_codes(arguments: list[str], code: int, summary: str, run: Run) -> None:
    done = run("check", *arguments)
    assert done.code == code
    assert done.out.endswith(f"{summary}\n")
    assert done.err == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.yaml"], "cnnkit: there is no file or folder missing.yaml\n"),
        (["fine.yaml", "a/*.yaml"], "cnnkit: no file matches a/*.yaml\n"),
        (["fine.yaml", "--select", "x"], "cnnkit: there is no rule `x`; `cnnkit rule` lists them"),
        (["fine.yaml", "--ignore", "large-dens"], "did you mean `large-dense`?"),
        (["fine.yaml", "--set", "nonsense"], "cnnkit: --set nonsense: write PATH=VALUE"),
        (["fine.yaml", "--format", "xml"], "Invalid value for '--format'"),
        (["fine.yaml", "--jobs", "0"], "Invalid value for '--jobs'"),
        (["-", "--fix"], "cnnkit: --fix edits files"),
        (["fine.yaml", "--output", "no/such/folder"], "cnnkit: cannot write no/such/folder"),
        (["missing.yaml", "--exit-zero"], "cnnkit: there is no file or folder missing.yaml\n"),
    ],
)
def test_wrong_usage_is_2_and_goes_to_stderr(arguments: list[str], message: str, run: Run) -> None:
    done = run("check", *arguments)
    assert done.code == 2
    assert done.out == ""
    assert message in done.err
    assert "Traceback" not in done.err


def test_a_file_that_cannot_be_read_among_others_is_a_finding(run: Run) -> None:
    Path("binary.yaml").write_bytes(bytes(99))
    done = run("check", "fine.yaml", "binary.yaml")
    assert done.code == 1
    assert done.err == ""
    assert "[unreadable-file]" in done.out
    assert done.out.endswith("checked 2 specs: 1 error\n")


def test_a_folder_without_specs_is_fine(run: Run) -> None:
    Path("sub").mkdir()
    Path("sub/docker-compose.yaml").write_text("services: {}\n")
    done = run("check", "sub")
    assert (done.code, done.out) == (0, "checked 0 specs: no findings\n")
    assert done.err == "cnnkit: there is no spec under sub\n"


def test_other_files_are_passed_over_where_only_specs_are_asked_for(run: Run) -> None:
    Path("compose.yaml").write_text("services: {}\n")
    assert run("check", "compose.yaml").code == 1
    done = run("check", "compose.yaml", "fine.yaml", "--specs-only")
    assert (done.code, done.out) == (0, "checked 1 spec: no findings\n")
    done = run("check", "compose.yaml", "--specs-only")
    assert (done.code, done.out, done.err) == (0, "checked 0 specs: no findings\n", "")


def test_standard_input_is_a_file(run: Run) -> None:
    done = run("check", "-", stdin=FAULTY.encode())
    assert done.code == 1
    assert done.out.startswith("<stdin>:3:43: stride 3 does not fit")
    assert run("check", "-", stdin=FINE.encode()).code == 0
    assert run("check", "-", stdin=b"\xff\xff\xff").code == 1


def test_auto_is_github_inside_its_actions(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    done = run("check", "faulty.yaml")
    assert done.code == 1
    assert done.out.startswith("::error file=faulty.yaml,line=3,endLine=3,col=43,endColumn=44,")
    assert run("check", "faulty.yaml", "--format", "text").out.startswith("faulty.yaml:3:43: ")
    monkeypatch.setenv("GITHUB_ACTIONS", "false")
    assert run("check", "faulty.yaml").out.startswith("faulty.yaml:3:43: ")


def test_the_json_has_all_of_it(run: Run) -> None:
    document = json.loads(run("check", ".", "--format", "json").out)
    files = document.pop("files")
    assert document == {"format": 1, "checked": 3, "errors": 1, "warnings": 1, "notes": 0}
    assert [(each["file"], each["ok"]) for each in files] == [
        ("faulty.yaml", False),
        ("fine.yaml", True),
        ("warned.yaml", True),
    ]
    [finding] = files[0]["findings"]
    assert list(finding) == [
        "rule", "level", "message", "help", "file", "line", "column", "end_line", "end_column",
        "path",
    ]  # fmt: skip
    assert (finding["rule"], finding["line"], finding["path"]) == ("invalid-stride", 3, "layers.0")


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("o.sarif", '{\n  "$schema": '),
        ("o.xml", "<?xml"),
        ("o.json", '{\n  "format": 1'),
        ("o.txt", "faulty.yaml:3:43: "),
    ],
)
def test_a_report_goes_to_a_file_in_the_format_of_its_name(
    name: str, start: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    done = run("check", "faulty.yaml", "--output", name)
    assert (done.code, done.out, done.err) == (1, "", "")
    assert Path(name).read_text().startswith(start)


def test_every_format_is_written(run: Run) -> None:
    assert json.loads(run("check", ".", "-f", "sarif").out)["version"] == "2.1.0"
    assert len(json.loads(run("check", ".", "-f", "gitlab").out)) == 2
    junit = ElementTree.fromstring(run("check", ".", "-f", "junit").out)  # noqa: S314 - our own
    assert len(junit) == 3


@pytest.mark.parametrize("format_", ["text", "json", "github", "gitlab", "sarif", "junit"])
def test_the_report_is_the_same_of_several_processes(
    format_: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    reports = {run("check", ".", "-f", format_, "--jobs", jobs).out for jobs in ("1", "2")}
    assert len(reports) == 1


def test_what_was_mended_is_said(run: Run) -> None:
    path = Path("idle.yaml")
    path.write_text(IDLE)
    done = run("check", "idle.yaml", "--fix")
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        "idle.yaml: fixed no-op-layer: removed line 4\nchecked 1 spec: no findings\n"
    )
    assert path.read_text() == IDLE.replace("  - dropout: {rate: 0}\n", "")
    path.write_text(IDLE)
    done = run("check", "idle.yaml", "--fix", "--format", "json")
    assert json.loads(done.out)["warnings"] == 0
    assert done.err == "idle.yaml: fixed no-op-layer: removed line 4\n"


def test_a_faulty_configuration_is_a_finding(run: Run) -> None:
    Path("cnnkit.toml").write_text('ignored = ["large-dense"]\n')
    done = run("check", "fine.yaml")
    assert done.code == 1
    assert done.out.startswith("cnnkit.toml:1:1: the configuration has no key `ignored`")
    assert done.out.endswith("checked 1 spec: 1 error\n")


def test_names_with_control_characters_are_shown_escaped(run: Run) -> None:
    Path("a\x1b[31m.yaml").write_text(FAULTY)
    done = run("check", "a\x1b[31m.yaml")
    assert done.out.startswith("a\\x1b[31m.yaml:3:43: ")
    assert "\x1b" not in done.out


def test_it_is_a_program_that_loads_neither_jax_nor_numpy(run: Run) -> None:
    code = (
        "import sys; sys.argv = ['cnnkit', 'check', 'fine.yaml']\n"
        "from cnnkit.__main__ import main\n"
        "try: main()\n"
        "finally: print(sorted({'jax', 'flax', 'optax', 'numpy', 'rich.table'} & {*sys.modules}))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "checked 1 spec: no findings\n[]\n"
    assert done.stderr == ""


def test_the_shipped_specs_pass(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    done = run("check", "specs")
    assert done.code == 0, done.out


def test_a_line_a_finding(run: Run) -> None:
    done = run("check", ".", "--format", "concise")
    assert done.code == 1
    assert done.out.splitlines() == [
        (
            "faulty.yaml:3:43: error: stride 3 does not fit: (7 − 3)/3 + 1 = 2.33 is not an "
            "integer  [invalid-stride]"
        ),
        (
            "warned.yaml:3:32: warning: kernel 4 with `padding: same` pads 1 row before and 2 "
            "after: the map shifts by half a row  [even-kernel-same]"
        ),
        "checked 3 specs: 1 error, 1 warning",
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "summary"),
    [
        (["."], 1, "checked 3 specs: 1 error, 1 warning"),
        ([".", "--level", "info"], 1, "checked 3 specs: 1 error, 1 warning"),
        ([".", "--level", "warning"], 1, "checked 3 specs: 1 error, 1 warning"),
        ([".", "--level", "error"], 1, "checked 3 specs: 1 error (1 finding not shown)"),
        (
            ["warned.yaml", "--level", "error"],
            0,
            "checked 1 spec: no findings (1 finding not shown)",
        ),
        # What is not shown fails all the same.
        (
            ["warned.yaml", "--level", "error", "--strict"],
            1,
            "checked 1 spec: no findings (1 finding not shown)",
        ),
    ],
)
def test_the_lowest_level_that_is_shown(
    run: Run, arguments: list[str], code: int, summary: str
) -> None:
    done = run("check", *arguments)
    assert (done.code, done.out.splitlines()[-1]) == (code, summary)


def test_statistics_stand_in_place_of_the_findings(run: Run) -> None:
    Path("second.yaml").write_text(WARNED + "  - max_pool: {size: 2, stride: 1, padding: same}\n")
    done = run("check", ".", "--statistics")
    assert done.code == 1
    assert done.out.splitlines() == [
        "findings  files  level    rule",
        (
            "       3      2  warning  even-kernel-same  An even kernel with `padding: same` pads "
            "one side more than the other."
        ),
        (
            "       1      1  error    invalid-stride    A stride does not fit: the windows do not "
            "end where the map ends."
        ),
        "",
        "checked 4 specs: 1 error, 3 warnings",
    ]
    assert run("check", "fine.yaml", "--statistics").out == "checked 1 spec: no findings\n"


def test_statistics_have_one_form(run: Run) -> None:
    done = run("check", ".", "--statistics", "--format", "json")
    assert (done.code, done.out) == (2, "")
    assert done.err == "cnnkit: --statistics is text: leave `--format json` out\n"


def test_a_baseline_leaves_what_is_new(run: Run) -> None:
    assert run("check", ".", "--format", "json", "--output", "known.json").code == 1
    done = run("check", ".", "--baseline", "known.json")
    assert (done.code, done.out) == (0, "checked 3 specs: no findings (2 findings not shown)\n")
    Path("new.yaml").write_text(FAULTY)
    done = run("check", ".", "--baseline", "known.json", "--format", "concise")
    assert done.code == 1
    assert [line.partition(":")[0] for line in done.out.splitlines()[:-1]] == ["new.yaml"]

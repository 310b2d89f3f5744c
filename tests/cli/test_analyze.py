"""`cnnkit analyze`: exit codes, what is written where, and what is said."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import cnnkit
from tests.cli.command import Completed, Run, runner

ROOT = Path(__file__).parents[2]
FLAGSHIP = str(ROOT / "specs" / "lectures" / "rgb-valid-4-classes.yaml")
STRIDE_3 = str(ROOT / "specs" / "lectures" / "stride-3.yaml")
SMALL = "input: 8x8x1\nlayers: [{conv: {filters: 2, kernel: 3}}]\n"
CNNKIT = [sys.executable, "-m", "cnnkit"]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(SMALL, encoding="utf-8")
    (tmp_path / "faulty.yaml").write_text("input: 8\nlayers: [rellu]\n", encoding="utf-8")
    (tmp_path / "nothing.yaml").write_text("", encoding="utf-8")
    return runner(monkeypatch, capfd)


def totals(done: Completed) -> dict[str, int]:
    found: dict[str, int] = json.loads(done.out)["totals"]
    return found


# Exit codes -----------------------------------------------------------------------------------


def test_a_sound_spec(run: Run) -> None:
    done = run("analyze", FLAGSHIP)
    assert (done.code, done.err) == (0, "")
    assert "3,908" in done.out
    assert "5,100" in done.out


def test_a_spec_with_an_error(run: Run) -> None:
    done = run("analyze", STRIDE_3)
    assert (done.code, done.err) == (1, "")
    assert "stride 3 does not fit: (7 − 3)/3 + 1 = 2.33 is not an integer" in done.out


@pytest.mark.parametrize("name", ["faulty.yaml", "nothing.yaml"])
def test_a_spec_that_cannot_be_read_is_a_finding(run: Run, name: str) -> None:
    done = run("analyze", name)
    assert (done.code, done.err) == (1, "")
    assert name in done.out


def test_a_warning_alone_is_fine(run: Run) -> None:
    done = run("analyze", "-", stdin=b"input: 8\nlayers: []")
    assert done.code == 0
    assert "no-layers" in done.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nope.yaml"], "cnnkit: there is no file nope.yaml\n"),
        (["small.yaml", "nope.yaml"], "cnnkit: there is no file nope.yaml\n"),
        ([""], "cnnkit: there is no file without a name\n"),
        (["a" * 5000], f"cnnkit: cannot read {'a' * 39}…: File name too long\n"),
        (["line\nbreak"], "cnnkit: there is no file line break\n"),
        (["."], "cnnkit: . is a folder: name the specs in it, such as *.yaml\n"),
        (["small.yaml", "--set", "k=3"], "cnnkit: --set k=3: there is no `k`; known here: "),
        (
            ["small.yaml", "--set", "layers.0.filtrs=3"],
            "cnnkit: --set layers.0.filtrs=3: there is no `filtrs`; did you mean `filters`?\n",
        ),
        (["small.yaml", "-o", "no/folder/x.json"], "cnnkit: cannot write no/folder/x.json: "),
        (["small.yaml", "-f", "json", "--explain"], "cnnkit: `--explain` is for the formats "),
    ],
)
def test_wrong_usage_is_one_line_on_stderr(run: Run, arguments: list[str], said: str) -> None:
    done = run("analyze", *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(said)
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["analyze", "small.yaml", "--bogus"], "--bogus"),
        (["analyze", "small.yaml", "--format", "xml"], "xml"),
        (["analyze", "small.yaml", "--depth", "0"], "--depth"),
        (["analyze", "small.yaml", "--batch", "many"], "--batch"),
        (["analyze", "small.yaml", "--batch", "-1"], "--batch"),
        (["analyze", "small.yaml", "--precision", "int16"], "int16"),
        (["analyze", "small.yaml", "--optimizer", "magic"], "magic"),
        (["analyze", "small.yaml", "--convention", "mine"], "mine"),
        (["analyse", "small.yaml"], "analyse"),
        (["--bogus"], "--bogus"),
    ],
)
def test_a_wrong_flag_is_wrong_usage(run: Run, arguments: list[str], said: str) -> None:
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert "Traceback" not in done.err


# What is read ---------------------------------------------------------------------------------


def test_standard_input(run: Run) -> None:
    done = run("analyze", "-", "-f", "json", stdin=SMALL.encode())
    assert done.code == 0
    assert totals(done)["parameters"] == 20
    broken = run("analyze", "-", stdin=b"layers: [")
    assert broken.code == 1
    assert "<stdin>:1:" in broken.out
    assert run("analyze", "-", stdin=b"\xff\xfe\x00").code == 1


def test_several_specs(run: Run) -> None:
    done = run("analyze", "small.yaml", "faulty.yaml", "nothing.yaml", FLAGSHIP, "-f", "json")
    assert done.code == 1
    found = json.loads(done.out)
    assert [each["totals"] and each["totals"]["parameters"] for each in found] == [
        20,
        0,
        None,
        5100,
    ]
    assert [len(each["findings"]) for each in found] == [0, 1, 1, 0]


def test_values_are_set(run: Run) -> None:
    done = run(
        "analyze",
        "small.yaml",
        "--set",
        "layers.0.filters=3",
        "--set",
        "input=[9,9,1]",
        "-f",
        "json",
    )
    assert totals(done)["parameters"] == 30
    assert json.loads(done.out)["input"] == [9, 9, 1]
    wrong = run("analyze", "small.yaml", "--set", "layers.0.filters=many")
    assert wrong.code == 1
    assert '--set layers.0.filters:1:1: `filters` cannot be "many"' in wrong.out


def test_memory_is_for_a_batch_a_precision_and_an_optimizer(run: Run) -> None:
    plain = totals(run("analyze", FLAGSHIP, "-f", "json"))
    for flags, figure in (
        (["--batch", "8"], "inference_memory"),
        (["--precision", "float64"], "inference_memory"),
        (["--optimizer", "sgd"], "training_memory"),
    ):
        assert totals(run("analyze", FLAGSHIP, "-f", "json", *flags))[figure] != plain[figure]


def test_the_time_is_estimated_for_a_machine_of_a_name_or_a_file(run: Run, tmp_path: Path) -> None:
    done = run("analyze", "small.yaml", "--machine", "h100", "--batch", "8", "--explain")
    assert done.code == 0
    assert "batch 8, float32; NVIDIA H100 SXM 80 GB, from the data sheet, not measured" in done.out
    assert "inference time: max(FLOPs/rate, bytes/bandwidth) + overhead = max(" in done.out
    done = run("analyze", "small.yaml", "--machine", "h1000")
    assert done.code == 1
    assert "there is no machine `h1000`  [unknown-name]" in done.out + done.err
    assert "help: did you mean `h100`? there are a100, h100, h200, " in done.out + done.err
    rates = '"rates": {"float32": {"product": 0}}'
    memory = '"memory": {"bandwidth": 1e9}'
    text = f'{{"format": 1, "name": "x", "measured": true, "source": "s", {memory},\n {rates}}}'
    (tmp_path / "box.json").write_text(text, encoding="utf-8")
    done = run("analyze", "small.yaml", "--machine", "box.json")
    assert done.code == 1
    message = "box.json:2:35: `rates.float32.product` cannot be 0  [wrong-value]"
    assert message in done.out + done.err
    done = run("analyze", "small.yaml", "--machine", "tpu-v4")
    assert done.code == 2
    assert "Google TPU v4 has no rates of float32: ask for the precision bfloat16" in done.err


def test_the_count_of_another_tool(run: Run) -> None:
    done = run("analyze", FLAGSHIP, "-f", "json", "--convention", "thop")
    assert json.loads(done.out)["convention"]["name"] == "thop"


# What is written ------------------------------------------------------------------------------


def test_json_is_the_analysis(run: Run) -> None:
    done = run("analyze", FLAGSHIP, "--format", "json")
    assert json.loads(done.out) == cnnkit.analyze(cnnkit.load(FLAGSHIP)).to_dict()


def test_csv_has_a_row_a_layer(run: Run) -> None:
    done = run("analyze", FLAGSHIP, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert sum(int(row["parameters"]) for row in rows) == 5100


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("report.json", "{"),
        ("report.csv", "path,"),
        ("report.md", "#"),
        ("report.html", "<!"),
        ("report.svg", "<svg"),
        ("report.txt", "rgb"),
        ("REPORT.JSON", "{"),
    ],
)
def test_the_report_is_written_to_a_file_in_the_format_of_its_name(
    run: Run, tmp_path: Path, name: str, start: str
) -> None:
    done = run("analyze", FLAGSHIP, "--output", name)
    assert (done.code, done.out, done.err) == (0, "", "")
    assert (tmp_path / name).read_text(encoding="utf-8").lstrip().startswith(start)


def test_a_format_that_is_asked_for_is_stronger_than_the_name(run: Run, tmp_path: Path) -> None:
    run("analyze", FLAGSHIP, "-o", "report.txt", "-f", "json")
    assert json.loads((tmp_path / "report.txt").read_text(encoding="utf-8"))["format"] == 1


def test_an_error_is_an_error_also_where_it_goes_to_a_file(run: Run, tmp_path: Path) -> None:
    assert run("analyze", STRIDE_3, "-o", "report.json").code == 1
    assert (tmp_path / "report.json").exists()


def test_depth_changes_rows_and_no_total(run: Run) -> None:
    text = b"input: 8x8x1\nlayers: [{residual: {layers: [{residual: {layers: [relu]}}]}}, relu]"
    reports = [
        json.loads(run("analyze", "-", "-f", "json", "--depth", str(depth), stdin=text).out)
        for depth in (1, 2, 9)
    ]
    assert [len(report["layers"]) for report in reports] == [2, 3, 4]
    assert reports[0]["totals"] == reports[1]["totals"] == reports[2]["totals"]


def test_explain_shows_how_the_numbers_come_about(run: Run) -> None:
    done = run("analyze", FLAGSHIP, "--explain")
    assert done.code == 0
    for line in ("26×26×3 = 2,028", "18×18×5 = 1,620", "8×8×4 = 256"):
        assert line in done.out


# Help and version -----------------------------------------------------------------------------


def test_help_shows_an_example(run: Run) -> None:
    for arguments in (["--help"], ["-h"], ["analyze", "--help"], ["analyze", "-h"]):
        done = run(*arguments)
        assert done.code == 0
        assert "Example: cnnkit analyze specs/lectures/rgb-valid-4-classes.yaml" in done.out


def test_no_arguments_show_the_help(run: Run) -> None:
    assert "Usage: cnnkit" in run().out
    assert "Usage: cnnkit analyze" in run("analyze").out


def test_the_version(run: Run) -> None:
    assert run("--version") == Completed(0, f"cnnkit {cnnkit.__version__}\n", "")


# As a process ---------------------------------------------------------------------------------


def environment(**variables: str) -> dict[str, str]:
    kept = {
        key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR")
    }
    return {**kept, **variables}


def test_no_colour_in_a_pipe() -> None:
    for variables in ({}, {"NO_COLOR": "1"}, {"TERM": "dumb"}):
        done = subprocess.run(
            [*CNNKIT, "analyze", STRIDE_3],
            capture_output=True,
            env=environment(**variables),
            check=False,
        )
        assert done.returncode == 1
        assert b"\x1b" not in done.stdout
        assert done.stderr == b""


def test_a_log_that_is_not_in_unicode() -> None:
    done = subprocess.run(
        [*CNNKIT, "analyze", STRIDE_3],
        capture_output=True,
        env=environment(PYTHONIOENCODING="ascii", PYTHONUTF8="0"),
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, b"")
    assert b"stride 3 does not fit" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="has neither pipes nor signals of this kind")
def test_a_reader_that_has_seen_enough(tmp_path: Path) -> None:
    long = tmp_path / "long.yaml"
    long.write_text("input: 8\nlayers:\n" + "  - relu\n" * 5000, encoding="utf-8")
    done = subprocess.run(
        ["bash", "-c", '"$0" -m cnnkit analyze "$1" -f csv | head -1', sys.executable, str(long)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("path,")
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


@pytest.mark.skipif(sys.platform == "win32", reason="has neither pipes nor signals of this kind")
def test_an_interrupt_is_no_traceback(tmp_path: Path) -> None:
    pipe = tmp_path / "spec.yaml"
    os.mkfifo(pipe)
    # A shell that started the tests in the background has interrupts ignored.
    code = (
        "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "runpy.run_module('cnnkit', run_name='__main__', alter_sys=True)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, "analyze", str(pipe)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with pipe.open("wb"):  # opens when the other side is opened: the command waits for its input
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out == b""
    assert b"Traceback" not in err


@pytest.mark.skipif(sys.platform == "win32", reason="has no shell of this kind")
def test_standard_input_that_is_closed() -> None:
    done = subprocess.run(
        ["bash", "-c", '"$0" -m cnnkit analyze - <&-', sys.executable],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "cnnkit: standard input is closed\n"

"""`cnnkit analyze --devices`: the plan of a training on many devices, in each format."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import Run, runner

# 2,048 + 32 parameters; 64 + 32 values of each example are live at once.
SPEC = "name: net\ninput: 64\nlayers: [{dense: {units: 32}}]\n"
MACHINE = {
    "format": 1,
    "name": "board",
    "measured": False,
    "source": "a test",
    "memory": {"bandwidth": 1e30, "size": 50_000},
    "rates": {"float32": {"product": 1e6}},
    "links": {"net": {"bandwidth": 1e6}},
}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.yaml").write_text(SPEC, encoding="utf-8")
    (tmp_path / "board.json").write_text(json.dumps(MACHINE), encoding="utf-8")
    return runner(monkeypatch, capfd)


def test_the_table_says_what_each_device_holds_and_sends(run: Run) -> None:
    done = run("analyze", "net.yaml", "--devices", "8", "--parallel", "shard=4", "--batch", "16")
    assert (done.code, done.err) == (0, "")
    plan = done.out[done.out.index("devices  ") :]
    assert [" ".join(line.split()) for line in plan.splitlines()] == [
        "devices 8 data 2 × shard 4; a batch of 16, 2 on each",
        (
            "memory of a device 17.3 KiB 17,664 bytes: 2,176 parameters, 2,176 gradients, 4,352 "
            "slots, 768 activations, 8,192 gathered"
        ),
        "FLOPs of a step 16.4 k 16,384 on each device, for 2 of the batch",
        "sent in a step 21.3 KiB 21,768 bytes by each device",
        "all-reduce 224 bytes gradients, 128 bytes over data and shard",
        "reduce-scatter 6.0 KiB gradients, 8,192 bytes over shard",
        "all-reduce 2.0 KiB gradients of the parts, 2,048 bytes over data",
        "all-gather 6.0 KiB weights, 8,192 bytes over shard",
        "all-reduce 7.0 KiB figures, 4,112 bytes over data and shard",
        "all-reduce 12 bytes squares of the parts, 8 bytes over shard",
    ]


def test_one_device_has_nothing_to_send(run: Run) -> None:
    out = run("analyze", "net.yaml", "--devices", "1").out
    assert "sent in a step       0 bytes  there is nothing to send" in out


def test_each_number_is_explained(run: Run) -> None:
    done = run(
        *("analyze", "net.yaml", "--devices", "8", "--parallel", "shard=4", "--batch", "16"),
        *("--machine", "board.json", "--link", "2e6", "--explain"),
    )
    assert done.code == 0
    lines = done.out.splitlines()
    for line in (
        "  devices: data·shard·spatial = 2·4·1 = 8",
        "  examples of a device: batch/(data·shard) = 16/(2·4) = 2",
        (
            "  memory of a device: 2,176 + 2,176 + 4,352 + 768 + 8,192 = 17,664 bytes: 2,176 "
            "parameters, 2,176 gradients, 4,352 slots, 0 state, 768 activations, 8,192 gathered"
        ),
        (
            "  all-reduce of gradients over data and shard: 2·(n−1)/n·bytes = 2·(8−1)/8·128 = "
            "224 bytes"
        ),
        "  reduce-scatter of gradients over shard: (n−1)/n·bytes = (4−1)/4·8,192 = 6,144 bytes",
        "  sent in a step: 224 + 6,144 + 2,048 + 6,144 + 7,196 + 12 = 21,768 bytes",
        (
            "  messages: 2·(8−1) + (4−1) + 2·(2−1) + (4−1) + 2·(8−1) + 2·(4−1) = 42, one waiting "
            "for the other"
        ),
        (
            "  exchange: sent/bandwidth + messages·latency = 21,768/2 MB/s + 42·0 s = 10.9 ms, by "
            "2 MB/s"
        ),
        "  step: compute + exchange = 16.4 ms + 10.9 ms = 27.3 ms",
        "  examples in a second: batch/step = 16/27.3 ms = 587",
    ):
        assert line in lines


def test_the_json_has_the_plan_and_its_tables(run: Run) -> None:
    assert json.loads(run("analyze", "net.yaml", "-f", "json").out)["scaling"] is None
    done = run(
        *("analyze", "net.yaml", "-f", "json", "--devices", "8", "--machine", "board.json"),
        *("--scaling", "--batch", "16"),
    )
    found = json.loads(done.out)["scaling"]
    assert (found["devices"], found["mesh"]) == (8, {"data": 8, "shard": 1, "spatial": 1})
    assert (found["batch"], found["local_batch"], found["flops"]) == (16, 2, 16_384)
    assert found["memory"]["total"] == 4 * 4 * 2080 + 768
    assert found["collectives"][0] == {
        "kind": "all-reduce",
        "what": "gradients",
        "axes": ["data"],
        "devices": 8,
        "bytes": 8320,
        "sent": 14_560,
        "rounds": 1,
    }
    assert (found["machine"], found["link"]) == ("board", "net")
    assert found["step"] == pytest.approx(found["compute"] + found["exchange"])
    assert [row["devices"] for row in found["weak"]] == [8 * 2**each for each in range(10)]
    assert [row["devices"] for row in found["strong"]] == [8, 16]


@pytest.mark.parametrize(
    ("format_", "weak", "row"),
    [
        ("table", "weak scaling: 2 examples on each device", "16     32  33.3 KiB  22.8 KiB"),
        ("markdown", "**weak scaling: 2 examples on each device**", "| 16 | 32 | 33.3 KiB |"),
        ("html", "<h2>Weak scaling: 2 examples on each device</h2>", "<td>33.3 KiB</td>"),
    ],
)
def test_formats_for_people_show_how_it_scales(run: Run, format_: str, weak: str, row: str) -> None:
    done = run("analyze", "net.yaml", "-f", format_, "--devices", "8", "--batch", "16", "--scaling")
    assert done.code == 0
    assert weak in done.out
    assert row in done.out
    assert "a batch of 16 has no equal parts for other numbers of devices" in done.out


def test_what_does_not_fit_is_an_error(run: Run) -> None:
    done = run(
        *("analyze", "net.yaml", "--devices", "2", "--batch", "128", "--machine", "board.json")
    )
    assert (done.code, done.err) == (1, "")
    assert "a batch of 128, 64 on each device, takes 57,856 bytes of it, and board has 50,000" in (
        done.out
    )


def test_one_device_needs_no_link(run: Run, tmp_path: Path) -> None:
    (tmp_path / "alone.json").write_text(json.dumps({**MACHINE, "links": {}}), encoding="utf-8")
    done = run("analyze", "net.yaml", "--devices", "1", "--machine", "alone.json", "--explain")
    assert (done.code, done.err) == (0, "")
    # 2·2,048 FLOPs forwards and as many for the kernel, at 1e6 a second.
    assert "compute 8.19 ms and exchange 0 s; board; from the data sheet" in done.out
    assert "  step: compute + exchange = 8.19 ms + 0 s = 8.19 ms" in done.out.splitlines()
    done = run(*("analyze", "net.yaml", "--devices", "1", "--machine", "alone.json", "--scaling"))
    assert (done.code, done.out) == (2, "")
    assert "board names no link: say the bytes that a device sends in a second" in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--devices", "8", "--parallel", "sharp=2"], "did you mean `shard`?"),
        (["--devices", "8", "--link", "net"], "--link net joins the devices of a machine"),
        (["--devices", "8", "--precision", "int4"], "int4 is a precision of inference alone"),
        (["--link", "net"], "--link net joins many devices: say how many, such as --devices 8"),
        (
            ["--scaling", "-f", "csv"],
            "`--scaling` is for the formats table, markdown, html, json, not for `csv`",
        ),
        (
            ["--devices", "8", "-f", "csv"],
            "`--devices` is for the formats table, markdown, html, json, not for `csv`",
        ),
        (
            ["--parallel", "data=2", "-f", "svg"],
            "`--parallel` is for the formats table, markdown, html, json, not for `svg`",
        ),
    ],
)
def test_wrong_options_are_said(run: Run, arguments: list[str], said: str) -> None:
    done = run("analyze", "net.yaml", *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert "Traceback" not in done.err


def test_a_spec_without_shapes_shows_its_own_findings_alone(run: Run) -> None:
    spec = b"input: 4x4x1\nlayers: [{dense: {units: 2}}]"
    done = run("analyze", "-", "--devices", "8", stdin=spec)
    assert done.code == 1
    assert "memory of a device" not in done.out


def test_open_extents_have_no_plan(run: Run, tmp_path: Path) -> None:
    (tmp_path / "open.yaml").write_text("input: HxWx3\nlayers: [relu]\n", encoding="utf-8")
    done = run("analyze", "open.yaml", "--devices", "8")
    assert (done.code, done.out) == (2, "")
    assert "a training on many devices is planned for extents that are numbers" in done.err


def test_sizes_beyond_all_measure_are_planned_at_once(run: Run) -> None:
    done = run(
        *("analyze", "net.yaml", "--devices", "999999937", "--batch", str(10**30)),
        *("--machine", "board.json", "--scaling"),
    )
    assert (done.code, done.err) == (1, "")
    assert "is not cut into 999,999,937 equal parts" in done.out

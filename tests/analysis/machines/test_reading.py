"""Files of machines: how they are read, and each way in which a file is none of a machine."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cnnkit.analysis.machines import read_machine
from cnnkit.errors import SpecError, UsageError

SOUND: dict[str, Any] = {
    "format": 1,
    "name": "a box",
    "measured": True,
    "source": "by hand",
    "memory": {"bandwidth": 1e10},
    "rates": {"float32": {"product": 1e11, "depthwise": 2e10, "pool": 5e9}},
}
Change = Callable[[dict[str, Any]], object]


def refused(path: Path, change: Change | str) -> str:
    """The one line that a file is refused with, from its own name on."""
    file = path / "machine.json"
    if isinstance(change, str):
        file.write_text(change, encoding="utf-8")
    else:
        given = json.loads(json.dumps(SOUND))
        change(given)
        file.write_text(json.dumps(given, indent=1), encoding="utf-8")
    with pytest.raises(SpecError) as raised:
        read_machine(file)
    (finding,) = raised.value.findings
    where = finding.location
    assert where is not None
    assert where.file == str(file)
    advice = f" ({finding.help})" if finding.help else ""
    return f"{where.line}:{where.column}: {finding.message} [{finding.rule}]{advice}"


def test_a_file_says_what_it_has_and_the_product_stands_for_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "machine.json"
    file.write_text(json.dumps(SOUND), encoding="utf-8")
    machine = read_machine(file)
    assert (machine.name, machine.origin) == ("a box", "measured")
    assert machine.rate("depthwise", "float32") == 2e10
    assert machine.rate("grouped", "float32") == machine.rate("product", "float32") == 1e11
    assert machine.rate("product", "bfloat16") is None
    assert machine.rate("depthwise", "float32", "training") == 2e10
    assert machine.bandwidth("pool", "float32") == 5e9
    assert machine.bandwidth("elementwise", "float32") == machine.bandwidth(None, "float32") == 1e10


def test_a_step_of_training_has_rates_of_its_own(tmp_path: Path) -> None:
    training = {"overhead": {"call": 1e-3}, "rates": {"float32": {"product": 5e10}}}
    file = tmp_path / "machine.json"
    file.write_text(json.dumps({**SOUND, "training": training}), encoding="utf-8")
    machine = read_machine(file)
    assert machine.rate("depthwise", "float32") == 2e10
    assert machine.rate("depthwise", "float32", "training") == 5e10
    assert machine.bandwidth("pool", "float32", "training") == 1e10
    assert machine.overhead_of("training").call == 1e-3
    assert machine.overhead_of("inference").call == 0


def test_a_name_in_capitals_is_the_same_name() -> None:
    assert read_machine("A100") == read_machine("a100")


def test_no_name_is_no_machine() -> None:
    with pytest.raises(SpecError, match="there is no machine ``"):
        read_machine("")


def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(SpecError) as raised:
        read_machine("a10")
    (finding,) = raised.value.findings
    assert finding.message == "there is no machine `a10`"
    assert finding.help is not None
    assert finding.help.startswith("did you mean `a100`? there are a100, h100, ")
    assert finding.help.endswith(
        "v100; or a file that `cnnkit doctor --measure --output machine.json` wrote"
    )


def test_a_missing_file_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read .*gone\.json: No such file or directory"):
        read_machine(tmp_path / "gone.json")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lambda file: file["rates"]["float32"].update(product=-1),
            (
                "11:15: `rates.float32.product` cannot be -1 [wrong-value] "
                "(it takes a number of FLOP/s above 0)"
            ),
        ),
        (
            lambda file: file["rates"]["float32"].pop("product"),
            (
                "10:3: `rates.float32` needs `product`: the rate of a product of "
                "matrices, in FLOP/s [missing-field]"
            ),
        ),
        (
            lambda file: file["rates"]["float32"].update(prodct=1),
            "14:4: `rates.float32` has no `prodct` [unknown-key] (did you mean `product`?)",
        ),
        (
            lambda file: file["rates"].update(float8=1),
            "15:3: `rates` has no `float8` [unknown-key] (did you mean `float64`?)",
        ),
        (
            lambda file: file.pop("rates"),
            "2:2: `a machine` needs `rates`: the rates of each precision [missing-field]",
        ),
        (
            lambda file: file.update(rates={}),
            (
                "9:11: `rates` cannot be {} [wrong-value] (it takes the rates of each precision, "
                "such as {float32: {product: 1e12}})"
            ),
        ),
        (
            lambda file: file.update(format=2),
            (
                "2:12: `format` is 2: this version reads format 1 [wrong-value] (a newer format "
                "needs a newer cnnkit; or measure again by `cnnkit doctor --measure`)"
            ),
        ),
        (
            lambda file: file.update(format=2, newer="key"),
            (
                "2:12: `format` is 2: this version reads format 1 [wrong-value] (a newer format "
                "needs a newer cnnkit; or measure again by `cnnkit doctor --measure`)"
            ),
        ),
        (
            lambda file: file["memory"].update(bandwidth=0),
            (
                "7:16: `memory.bandwidth` cannot be 0 [wrong-value] "
                "(it takes a number of bytes/s above 0)"
            ),
        ),
        (
            lambda file: file.update(overhead={"operation": -1e-6}),
            (
                "17:16: `overhead.operation` cannot be -1e-06 [wrong-value] "
                "(it takes a number of seconds, at least 0)"
            ),
        ),
        (
            lambda file: file.update(links={"NVLink": {"bandwidth": "fast"}}),
            (
                '18:17: `links.NVLink.bandwidth` cannot be "fast" [wrong-type] '
                "(it takes a number of bytes/s above 0)"
            ),
        ),
        (
            lambda file: file.update(training={"rates": {"float32": {"pool": 1}}}),
            (
                "18:4: `training.rates.float32` needs `product`: the rate of a product of "
                "matrices, in FLOP/s [missing-field]"
            ),
        ),
        (
            '{"format": 1,\n "name": x}',
            "2:10: this is not JSON: expecting value [syntax]",
        ),
        ("", "1:1: this is not JSON: expecting value [syntax]"),
        ("[1]", "1:1: the file of a machine is an object, and this is none [wrong-type]"),
        (
            '{"format": 1,\n "format": 1}',
            "2:2: `format` is given twice: first on line 1 [duplicate-key] (keep one of them)",
        ),
        (
            "[" * 100_000,
            "1:1: this is not JSON that a machine needs: it is too deep [syntax]",
        ),
        (
            " " * 1_100_000,
            "1:1: the file has more than 1,048,576 bytes, which no machine needs [too-large]",
        ),
    ],
)
def test_what_is_wrong_is_one_finding_at_its_place(
    tmp_path: Path, change: Change | str, expected: str
) -> None:
    assert refused(tmp_path, change) == expected


def test_what_is_no_text_is_told_by_its_first_byte(tmp_path: Path) -> None:
    file = tmp_path / "machine.json"
    file.write_bytes(b'{"name": "\xff"}')
    with pytest.raises(SpecError, match=r"byte 10 \(0xff\) is not UTF-8 text"):
        read_machine(file)

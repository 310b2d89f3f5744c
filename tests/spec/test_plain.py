"""Plain Python data: the same limits as a text, and a path instead of a place."""

import enum

import pytest

from cnnkit.errors import SpecError
from cnnkit.spec.text.plain import node_of
from cnnkit.spec.text.source import read_plain


class Padding(enum.StrEnum):
    SAME = "same"


class Array:
    def tolist(self) -> list[int]:
        return [1]


def faults(data: object) -> list[tuple[str, str | None, str]]:
    _, findings = read_plain(data)
    assert all(finding.location is None for finding in findings)
    return [(finding.rule, finding.path, finding.message) for finding in findings]


def test_data_becomes_nodes_without_places() -> None:
    data = {"input": (32, 32, 3), "layers": [{"conv": {"filters": 6, "bias": False}}, None, 1.5]}
    node, findings = read_plain(data, "<api>")
    assert findings == []
    assert node is not None
    assert node.plain() == {**data, "input": [32, 32, 3]}
    assert node.source.name == "<api>"
    assert node.location() is None
    assert node.key_location("input") is None
    assert repr(node_of([1])) == "YamlNode([1], <dict>)"


def test_a_subclass_is_read_as_its_base() -> None:
    node = node_of({"padding": Padding.SAME, "on": True})
    assert type(node.plain()["padding"]) is str
    assert node.plain() == {"padding": "same", "on": True}


def test_wrong_data_is_found_with_its_path() -> None:
    data = {
        "a": {1, 2},
        "b": [0, {"c": object()}],
        3: "x",
        (1,): "y",
        10**5000: "z",
        "d": Array(),
        "e": 10**40,
        "f": b"bytes",
        "g": "\ud83d",
        "h": "x" * 100_001,
    }
    assert faults(data) == [
        ("wrong-type", "a", "a Python set has no place in a spec"),
        ("wrong-type", "b.1.c", "a Python object has no place in a spec"),
        ("wrong-type", None, "a key must be a string, and `3` is an integer"),
        ("wrong-type", None, "a key must be a string, and one is a list"),
        ("wrong-type", None, "a key must be a string, and one is an integer"),
        ("wrong-type", "d", "a Python Array has no place in a spec"),
        ("too-large", "e", "an integer has more than 40 digits"),
        ("wrong-type", "f", "a Python bytes has no place in a spec"),
        ("wrong-type", "g", "U+D83D is one half of a surrogate pair"),
        ("too-large", "h", "a string of 100,001 characters; the limit is 100,000"),
    ]
    _, findings = read_plain(data)
    assert findings[5].help == "convert it by its method `tolist()`"


def test_data_that_contains_itself_is_refused() -> None:
    data: list[object] = []
    data.append(data)
    assert read_plain(data)[0] is None
    path = ".".join(["0"] * 100)
    assert faults(data) == [("too-large", path, "lists and dicts are nested more than 100 deep")]


def test_data_that_doubles_itself_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnnkit.spec.text.plain.MAX_NODES", 1_000)
    data: list[object] = [1]
    for _ in range(60):
        data = [data, data]
    assert read_plain(data)[0] is None
    assert faults(data)[0][2] == "the spec has more than 1,000 values"


def test_unsound_data_raises_where_a_node_is_asked_for() -> None:
    with pytest.raises(SpecError, match="a Python set has no place in a spec"):
        node_of({1})

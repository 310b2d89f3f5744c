"""Specs that nobody would write: random bytes, random trees, and damaged copies of valid ones.

A case is a function of its seed and number, so any of them can be made again.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from cnnkit.layers import KINDS, layer_class
from cnnkit.spec.model.spec import SECTIONS

SPECS = Path(__file__).parents[2] / "specs"

# What a fuzzed value is most likely to break on.
_NUMBERS = [0, -1, 1, 2, 3, 5, 7, 64, 200, 10**12, 10**39, 10**40, 10**41, 0.5, -0.0, 1e-3, 1e308]
_ODD = [".inf", ".nan", "1_000", "0x10", "1e999", "9" * 500, "", "null", "~", "true", "no", "x"]
_SHAPES = ["32x32x3", "150", "100x1", "8x8x8x1", "0x0x0", "1x" * 9, "32×32×3", "-1x3", "3x", "[]"]
_WORDS = ["same", "valid", "causal", "floor", "ceil", "exact", "identity", "concat", "multiply"]
_WORDS += ["reflect", "circular", "required", "index", "name", "when", "layers", "branches", "with"]
_EXPRESSIONS = ["$k", "$index", "$(k", "$()", "$(1/0)", "$(9**9**9)", "$(k[0])", "$(-k)", "$$k"]
_EXPRESSIONS += ["$(k*2)", "$(1 if k else x)", "$(round_to(k, 0))", "$(" + "(" * 90, "a$(k)b$k"]
_MARKS: list[str] = [*"{}[]:,-#&*!|>'\"%@`?\t\n\\$()"]
_MARKS += [": ", "- ", "\n  ", "&a ", "*a", "<<: *a", "---\n"]
_MARKS += ["!!python/object/apply:os.system", "\0", "\ufeff", "\x85", "é", "💥", "\ud7ff", "\r\n"]


_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class Case(NamedTuple):
    """The bytes of a spec, and the file that they are read as."""

    data: bytes
    path: Path


@cache
def valid_specs() -> tuple[Case, ...]:
    """The specs that this project ships."""
    return tuple(Case(path.read_bytes(), path) for path in sorted(SPECS.rglob("*.yaml")))


@cache
def vocabulary() -> tuple[str, ...]:
    """The words that mean something in a spec."""
    fields = {field for kind in KINDS for field in layer_class(kind).model_fields}
    return tuple(sorted({*KINDS, *fields, *SECTIONS, *_WORDS}))


def case(seed: int, number: int) -> Case:
    """The case of a number; one in ten is random bytes, one in four a random tree."""
    rng = random.Random(f"{seed}/{number}")  # noqa: S311 - wants to be repeatable, not secret
    kind = rng.random()
    if kind < 0.1:
        return Case(_bytes(rng), SPECS / "fuzz.yaml")
    if kind < 0.35:
        return Case(_tree(rng), SPECS / "fuzz.yaml")
    return _edited(rng, rng.choice(valid_specs()))


def _bytes(rng: random.Random) -> bytes:
    if rng.random() < 0.3:
        return rng.randbytes(rng.randrange(200))
    words = [*_MARKS, *map(str, _NUMBERS), *_ODD, *_EXPRESSIONS, "layers", "input", "conv"]
    return "".join(rng.choices(words, k=rng.randrange(60))).encode("utf-8", "surrogatepass")


def _tree(rng: random.Random) -> bytes:
    """A document that has the sections of a spec, and anything in them."""
    document: Any = {
        "input": rng.choice([*_SHAPES[:4], _value(rng, 3)]),
        "layers": [_layer(rng, 4) for _ in range(rng.randrange(6))],
    }
    for section in rng.sample(SECTIONS, rng.randrange(4)):
        document[section] = _value(rng, 4)
    if rng.random() < 0.05:
        document = _value(rng, 5)
    if rng.random() < 0.3:
        return json.dumps(document).encode()
    return _dumped(document).encode()


def _dumped(tree: Any) -> str:
    text: str = yaml.dump(tree, Dumper=_DUMPER, sort_keys=False, allow_unicode=True)
    return text


def _layer(rng: random.Random, depth: int) -> Any:
    """Something that looks like a layer."""
    kind = rng.choice(tuple(KINDS))
    if rng.random() < 0.2:
        return kind
    fields = list(layer_class(kind).model_fields)
    return {
        kind: {field: _value(rng, depth - 1) for field in rng.sample(fields, _few(rng, fields))}
    }


def _few(rng: random.Random, items: list[str]) -> int:
    return rng.randint(0, min(len(items), 4))


def _value(rng: random.Random, depth: int) -> Any:
    kind = rng.random()
    if depth <= 0 or kind < 0.55:
        return _scalar(rng)
    if kind < 0.7:
        return [_value(rng, depth - 1) for _ in range(rng.randrange(4))]
    if kind < 0.85:
        return [_layer(rng, depth - 1) for _ in range(rng.randrange(4))]
    return {_key(rng): _value(rng, depth - 1) for _ in range(rng.randrange(4))}


def _key(rng: random.Random) -> Any:
    return rng.choice(vocabulary()) if rng.random() < 0.9 else _scalar(rng)


def _scalar(rng: random.Random) -> Any:
    pools: list[list[Any]] = [_NUMBERS, _ODD, _SHAPES, _EXPRESSIONS, list(vocabulary())]
    return rng.choice(rng.choices([*pools, [True, False, None]], [8, 2, 1, 3, 4, 1])[0])


def _edited(rng: random.Random, spec: Case) -> Case:
    """A valid spec after one to four random edits."""
    text = spec.data.decode()
    for _ in range(rng.randint(1, 4)):
        text = rng.choice(_EDITS)(rng, text)
    data = text.encode("utf-8", "surrogatepass")
    if rng.random() < 0.05 and data:
        at = rng.randrange(len(data))
        data = data[:at] + rng.randbytes(1) + data[at + 1 :]
    return Case(data, spec.path)


def _cut(rng: random.Random, text: str) -> str:
    a, b = _slice(rng, text)
    return text[:a] + text[b:]


def _double(rng: random.Random, text: str) -> str:
    a, b = _slice(rng, text)
    return text[:b] + text[a:]


def _insert(rng: random.Random, text: str) -> str:
    at = rng.randint(0, len(text))
    return text[:at] + rng.choice(_MARKS) + text[at:]


def _slice(rng: random.Random, text: str) -> tuple[int, int]:
    at = rng.randint(0, len(text))
    return at, min(len(text), at + rng.choice([1, 1, 2, 5, 20, 100]))


def _line(rng: random.Random, text: str) -> str:
    """Drops, repeats, moves or shifts a line."""
    lines = text.split("\n")
    at, to = rng.randrange(len(lines)), rng.randrange(len(lines))
    line = lines.pop(at)
    changed = rng.choice([[], [line, line], [f"  {line}"], [line.removeprefix("  ")], [line]])
    lines[to if changed == [line] else at : to if changed == [line] else at] = changed
    return "\n".join(lines)


def _word(rng: random.Random, text: str) -> str:
    """Puts another word or value where one stands."""
    starts = [at for at in range(len(text)) if text[at].isalnum() and not text[at - 1].isalnum()]
    if not starts:
        return text
    at = end = rng.choice(starts)
    while end < len(text) and (text[end].isalnum() or text[end] == "_"):
        end += 1
    return text[:at] + str(_scalar(rng)) + text[end:]


def _grafted(rng: random.Random, text: str) -> str:
    """Replaces a random part of the spec's tree by a random value or layer."""
    try:
        tree = yaml.load(text, _LOADER)  # noqa: S506 - it is a safe one
    except (yaml.YAMLError, ValueError):
        return _cut(rng, text)
    places: list[tuple[Any, Any]] = []
    todo = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, (dict, list)):
            keys = list(node) if isinstance(node, dict) else range(len(node))
            places += [(node, key) for key in keys]
            todo += [node[key] for key in keys]
    if not places:
        return text
    node, key = rng.choice(places)
    if isinstance(node, dict) and rng.random() < 0.2:
        node[_key(rng)] = node.pop(key)
    elif isinstance(node, list) and rng.random() < 0.3:
        node.insert(key, _layer(rng, 3))
    else:
        node[key] = _value(rng, 3)
    return _dumped(tree)


_EDITS: tuple[Callable[[random.Random, str], str], ...] = (
    _cut,
    _double,
    _insert,
    _line,
    _word,
    _word,
    _grafted,
    _grafted,
)

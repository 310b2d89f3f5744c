"""Reads the file of a machine, or a known machine by its name; what is wrong is a finding."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn, TypeGuard, get_args, get_origin

from pydantic import BaseModel, ValidationError

from cnnkit.analysis.machines.machine import FORMAT, Machine
from cnnkit.analysis.precision import PRECISIONS
from cnnkit.errors import Finding, Location, SpecError, UsageError, did_you_mean
from cnnkit.spec.language.faults import expected, field_names, shown
from cnnkit.spec.language.place import inmost
from cnnkit.spec.text.node import Source, YamlNode
from cnnkit.spec.text.scalars import shortened
from cnnkit.spec.text.source import read_text

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

ENDING: Final = ".json"
_LARGEST: Final = 1 << 20
"""Bytes of a file; one that was measured has under 8 KiB."""


@cache
def known_machines() -> tuple[str, ...]:
    """The names of the machines whose files are shipped."""
    folder = files("cnnkit.analysis.machines") / "known"
    names = (each.name for each in folder.iterdir())
    return tuple(sorted(name.removesuffix(ENDING) for name in names if name.endswith(ENDING)))


def read_machine(given: str | Path) -> Machine:
    """The machine that a name or the path of a file stands for.

    Args:
        given: A name of ``known_machines``, or a file that `cnnkit doctor --measure` wrote.

    Raises:
        UsageError: There is no such file.
        SpecError: There is no machine of the name, or the file is none of a machine; of what is
            wrong with it the first.
    """
    text = str(given)
    if text.lower() in known_machines() and not Path(text).is_file():
        source = files("cnnkit.analysis.machines") / "known" / f"{text.lower()}{ENDING}"
        return _parsed(source.read_text(encoding="utf-8"), f"{text.lower()}{ENDING}")
    path = Path(text)
    if not text or (not path.suffix and path.name == text and not path.exists()):
        raise SpecError([_unknown_name(text)])
    return _parsed(_text_of(path), text)


def _unknown_name(name: str) -> Finding:
    known = ", ".join(known_machines())
    near = did_you_mean(name, known_machines())
    suggestion = f"did you mean `{near}`? " if near else ""
    advice = (
        f"{suggestion}there are {known}; or a file that `cnnkit doctor --measure --output "
        "machine.json` wrote"
    )
    return Finding("unknown-name", "error", f"there is no machine `{shortened(name)}`", advice)


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot read {path}: {reason}") from None
    name = str(path)
    if len(data) > _LARGEST:
        message = f"the file has more than {_LARGEST:,} bytes, which no machine needs"
        _refuse("too-large", message, None, Source(name, ""))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"byte {error.start:,} (0x{data[error.start]:02x}) is not UTF-8 text"
        advice = "the file of a machine is JSON: `cnnkit doctor --measure` writes one"
        _refuse("unreadable-file", message, advice, Source(name, ""))


def _parsed(text: str, name: str) -> Machine:
    source = Source(name, text)
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        message = f"this is not JSON: {error.msg[:1].lower()}{error.msg[1:]}"
        _refuse("syntax", message, None, source, error.pos)
    except (RecursionError, ValueError):
        _refuse("syntax", "this is not JSON that a machine needs: it is too deep", None, source)
    node, findings = read_text(text, name)
    if findings or node is None:  # a key that stands there twice, a number out of bounds
        raise SpecError(findings[:1])
    if not isinstance(node.value, dict):
        message = "the file of a machine is an object, and this is none"
        raise SpecError([Finding("wrong-type", "error", message, None, node.location())])
    _check_format(node)
    try:
        return Machine.model_validate(node.plain())
    except ValidationError as error:
        raise SpecError([_finding(error.errors(include_url=False)[0], node)]) from None


def _refuse(
    rule: str, message: str, advice: str | None, source: Source, offset: int = 0
) -> NoReturn:
    line, column = source.position(offset)
    where = source.location(line, column, line, column + 1)
    raise SpecError([Finding(rule, "error", message, advice, where)])


def _check_format(node: YamlNode) -> None:
    """A newer file is told by its version, not by a key that this version does not know."""
    given = node.value.get("format") if isinstance(node.value, dict) else None
    if given is None or type(given.value) is not int or given.value == FORMAT:
        return
    message = f"`format` is {shown(given.value)}: this version reads format {FORMAT}"
    advice = "a newer format needs a newer cnnkit; or measure again by `cnnkit doctor --measure`"
    raise SpecError([Finding("wrong-value", "error", message, advice, given.location())])


def _finding(detail: ErrorDetails, node: YamlNode) -> Finding:
    """What Pydantic says of one value, in the user's words and at its place."""
    path = tuple(part for part in detail["loc"] if part != "[key]")
    *above, field = path
    owner, key = ".".join(map(str, above)) or "a machine", str(field)
    inside = _type_at(above)
    model = inside if _is_model(inside) else None
    if detail["type"] == "missing" and model is not None:
        message = f"`{owner}` needs `{key}`: {model.model_fields[key].description}"
        return Finding("missing-field", "error", message, None, _place(node, above[:-1], above))
    if detail["type"] == "extra_forbidden" or detail["loc"][-1] == "[key]":
        known = PRECISIONS if model is None else field_names(model)
        near = did_you_mean(key, known)
        advice = f"did you mean `{near}`?" if near else f"there are {', '.join(known)}"
        message = f"`{owner}` has no `{shortened(key)}`"
        return Finding("unknown-key", "error", message, advice, _place(node, above, path))
    message = f"`{'.'.join(map(str, path))}` cannot be {shown(detail['input'])}"
    rule = "wrong-type" if detail["type"].endswith("_type") else "wrong-value"
    itself = _type_at(path)
    takes = expected(model, key) if model is not None else "a text"
    if _is_model(itself):
        takes = f"an object with {', '.join(field_names(itself))}"
    return Finding(rule, "error", message, f"it takes {takes}", inmost(node, path).location())


def _place(
    node: YamlNode, above: Sequence[str | int], path: Sequence[str | int]
) -> Location | None:
    """Where the last key of a path stands; of no path the first of all."""
    key = str(path[-1]) if path else next(iter(node.keys), "")
    inner = inmost(node, tuple(above))
    return inner.key_location(key) or inner.location()


def _type_at(path: Sequence[str | int]) -> Any:
    """What stands at a path: a model, a mapping of names to one, or a value."""
    found: Any = Machine
    for part in path:
        if _is_model(found):
            info = found.model_fields.get(str(part))
            found = _bare(None if info is None else info.annotation)
        else:
            found = _bare(get_args(found)[-1])
    return found


def _bare(annotation: Any) -> Any:
    """A type without what is said of it, and of a part that may be left out, what it is."""
    members = [each for each in get_args(annotation) if each is not type(None)]
    if type(None) in get_args(annotation) or get_origin(annotation) is Annotated:
        return _bare(members[0])
    return annotation


def _is_model(found: Any) -> TypeGuard[type[BaseModel]]:
    return isinstance(found, type) and issubclass(found, BaseModel)

"""What the composer finds wrong with the events of a text, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cnnkit.errors import Finding, did_you_mean
from cnnkit.spec.text.limits import MAX_DEPTH, MAX_NODES, MAX_SCALAR_LENGTH
from cnnkit.spec.text.node import Marks, Source, YamlNode
from cnnkit.spec.text.scalars import kind_of, shortened

__all__ = ["DROPPED", "OverBudgetError", "Refusals", "marks_of"]

DROPPED: Final = "<dropped>"
"""Stands for a key whose value is read but not kept. It is compared by identity, so no key of a
text is ever taken for it."""


class OverBudgetError(Exception):
    """The text exceeds a budget, and reading stops here."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


def marks_of(event: Any) -> Marks:
    """Where an event of the parser stands."""
    start, end = event.start_mark, event.end_mark
    return start.line, start.column, end.line, end.column


class Refusals:
    """Writes findings about events into a list."""

    def __init__(self, source: Source, findings: list[Finding]) -> None:
        self._source = source
        self._findings = findings

    def add(self, event: Any, rule: str, message: str, advice: str) -> None:
        """Reports a fault of an event."""
        self._findings.append(self._finding(event, rule, message, advice))

    def key(self, value: object, event: Any, marks: Marks, keys: dict[str, Marks]) -> str:
        """The key to read on with, once what is wrong with a key is reported.

        A number is read on with as its text, since to quote it is the likely cure. A repeated
        key is dropped, so that its first value stays.

        Args:
            value: The key's value.
            event: The scalar or alias that gave it.
            marks: Where it stands.
            keys: The keys before it in the mapping; this one is added.
        """
        written: str = getattr(event, "value", "")  # an alias has none
        if written == "<<" and not event.style:
            self.add(
                event,
                "unknown-key",
                "`<<` merges mappings in YAML 1.1; YAML 1.2 has no such key",
                "share fields by `defaults:`, layers by `blocks:`, a whole spec by `extends:`",
            )
            return DROPPED
        if isinstance(value, str):
            key = value
        else:
            shown = f"`{shortened(written)}`" if written else "this"
            message = f"a key must be a string, and {shown} is {kind_of(value)}"
            if not written:
                self.add(event, "wrong-type", message, "write a name before the `:`")
                return DROPPED
            self.add(event, "wrong-type", message, f'quote it: `"{shortened(written)}"`')
            key = written
        if key in keys:
            message = f"`{shortened(key)}` is given twice: first on line {keys[key][0] + 1}"
            self.add(event, "duplicate-key", message, "keep one of them")
            return DROPPED
        keys[key] = marks
        return key

    def collection_as_key(self, node: YamlNode) -> str:
        """Reports a list or mapping in the place of a key, which is dropped."""
        message = f"a key must be a string, and this is {kind_of(node.value)}"
        advice = "write a name before the `:`; the value of a variable is `$name`, not `{{name}}`"
        self._findings.append(Finding("wrong-type", "error", message, advice, node.location()))
        return DROPPED

    def alias(self, event: Any, anchors: Mapping[str, object]) -> None:
        """Reports an alias that stands for nothing, or for what it stands in."""
        name = shortened(event.anchor)
        if event.anchor in anchors:
            message = f"the alias `*{name}` stands inside what it stands for"
            advice = "a spec cannot contain itself; `repeat:` repeats layers"
        else:
            message = f"the alias `*{name}` has no anchor `&{name}` before it"
            near = did_you_mean(event.anchor, anchors)
            advice = f"did you mean `*{near}`?" if near else f"write `&{name}` before a value"
        self.add(event, "syntax", message, advice)

    def too_long(self, event: Any) -> None:
        """Reports a scalar above the limit."""
        self.add(
            event,
            "too-large",
            f"a value of {len(event.value):,} characters; the limit is {MAX_SCALAR_LENGTH:,}",
            "close the quote if one is open; long data does not belong in a spec",
        )

    def too_deep(self, event: Any, depth: int) -> OverBudgetError:
        """What to raise where a collection is nested too deeply."""
        message = f"lists and mappings are nested {depth:,} deep; the limit is {MAX_DEPTH}"
        advice = "name the inner layers as a block in `blocks:`"
        return OverBudgetError(self._finding(event, "too-large", message, advice))

    def too_many(self, event: Any, total: int) -> OverBudgetError:
        """What to raise where a text stands for too many nodes."""
        message = (
            f"the spec has {total:,} values or more once its aliases are expanded;"
            f" the limit is {MAX_NODES:,}"
        )
        advice = "repeat layers by `repeat:` and `blocks:`"
        return OverBudgetError(self._finding(event, "too-large", message, advice))

    def _finding(self, event: Any, rule: str, message: str, advice: str) -> Finding:
        where = self._source.location(*marks_of(event))
        return Finding(rule, "error", message, advice, where)

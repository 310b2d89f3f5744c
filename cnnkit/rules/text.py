"""The spec's own text: what it defines, and the whole lines that a definition or layer takes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from cnnkit.rules.base import Removal, RuleContext
from cnnkit.spec.text.node import YamlNode

_DASH = re.compile(r"\s*-[ ]+")
_COMMENT = re.compile(r"\s*#")
_ANCHOR = re.compile(r"(^|[\s\[{,])&[^\s]")


def own_names(network: RuleContext, section: str) -> list[str]:
    """The names that the text itself defines in a section; those it extends are another's."""
    document = network.analysis.spec.origin.document
    if document is None or not isinstance(document.value, dict):
        return []
    node = document.value.get(section)
    if node is None or node.source is not document.source or not isinstance(node.value, dict):
        return []
    return [name for name in node.value if name in node.keys or not node.keys]


def section(network: RuleContext, name: str) -> YamlNode | None:
    """A section of the document, what it extends included."""
    document = network.analysis.spec.origin.document
    sections = document.value if document is not None else None
    return sections.get(name) if isinstance(sections, dict) else None


def taken_out(fixed: bool) -> str:
    """The advice to delete something, which `--fix` does where it can."""
    return "take it out, as `cnnkit check --fix` does" if fixed else "take it out"


def scalars(node: YamlNode) -> Iterator[str]:
    """The keys and strings of a node and of all below it."""
    if isinstance(node.value, str):
        yield node.value
    elif isinstance(node.value, list):
        for item in node.value:
            yield from scalars(item)
    elif isinstance(node.value, dict):
        for key, item in node.value.items():
            yield key
            yield from scalars(item)


def anchored(line: str) -> bool:
    """Whether a line has an anchor: an alias elsewhere may stand for a part of it."""
    return _ANCHOR.search(line) is not None


def layer_nodes(document: YamlNode) -> Iterator[YamlNode]:
    """The nodes that stand where a layer may, in `layers:` and in the blocks, used or not."""
    sections = document.value if isinstance(document.value, dict) else {}
    for name in ("layers", "blocks"):
        if name in sections:
            for items in _lists(sections[name]):
                yield from items


def without_entries(network: RuleContext, name: str, unused: Iterable[str]) -> Iterator[Removal]:
    """The lines of some entries of a section, or of the whole section where no other is left."""
    document = network.analysis.spec.origin.document
    node, gone = section(network, name), list(unused)
    if document is None or node is None or not isinstance(node.value, dict) or not gone:
        return
    if len(gone) == len(node.value):
        node, gone = document, [name]
    for key in gone:
        if removal := _entry(node, key):
            yield removal


def without_items(network: RuleContext, unused: Iterable[YamlNode]) -> Iterator[Removal]:
    """The lines of some items of lists; a list that would be left empty stays as it is."""
    document = network.analysis.spec.origin.document
    gone = {id(node) for node in unused}
    if document is None or not gone:
        return
    for items in _lists(document):
        if all(id(item) in gone for item in items):
            continue
        for index, item in enumerate(items):
            if id(item) in gone and item.source is document.source:
                dash = _DASH.fullmatch(item.source.line(item.line)[: item.column])
                if item.line >= 0 and dash and (removal := _lines(item, item, first=index == 0)):
                    yield removal


def _lists(node: YamlNode) -> Iterator[list[YamlNode]]:
    inner: Iterable[YamlNode] = ()
    if isinstance(node.value, list):
        yield node.value
        inner = node.value
    elif isinstance(node.value, dict):
        inner = node.value.values()
    for each in inner:
        yield from _lists(each)


def _entry(mapping: YamlNode, key: str) -> Removal | None:
    """The lines of an entry of a mapping, where it has them for itself."""
    if not isinstance(mapping.value, dict) or key not in mapping.keys:
        return None
    line, column, *_ = marks = mapping.keys[key]
    if mapping.source.line(line)[:column].strip():
        return None
    start = YamlNode(key, mapping.source, *marks)
    return _lines(start, mapping.value[key], first=key == next(iter(mapping.keys)))


def _lines(start: YamlNode, value: YamlNode, *, first: bool) -> Removal | None:
    """The lines from a start to the end of a value; None where they hold anything else."""
    source, top = start.source, start.line
    ends = [start, *(node for node in _ends(value) if node.line >= top)]  # aliases point upwards
    bottom, column = max((node.end_line, node.end_column) for node in ends)
    if column == 0:  # a block of text ends where the next line begins
        bottom, column = bottom - 1, len(source.line(bottom - 1))
    rest = source.line(bottom)[column:]
    if (rest.strip() and not _COMMENT.match(rest)) or rest.startswith("#"):
        return None
    if any(anchored(source.line(line)) for line in range(top, bottom + 1)):
        return None
    while bottom > top and not source.line(bottom).strip():
        bottom -= 1
    if not first:
        top = _with_comment(start, top, bottom)
    if top and not source.line(top - 1).strip() and not source.line(bottom + 1).strip():
        bottom += bottom + 1 < len(source.lines)  # one blank line is enough where two would meet
    return Removal(top + 1, bottom + 1)


def _ends(node: YamlNode) -> Iterator[YamlNode]:
    """The nodes below whose end marks are exact: scalars, and collections in brackets."""
    bracket = node.source.line(node.line)[node.column : node.column + 1] in ("{", "[")
    if bracket or not isinstance(node.value, (list, dict)):
        yield node
    elif isinstance(node.value, list):
        for item in node.value:
            yield from _ends(item)
    else:
        for line, column, end_line, end_column in node.keys.values():
            yield YamlNode(None, node.source, line, column, end_line, end_column)
        for item in node.value.values():
            yield from _ends(item)


def _with_comment(start: YamlNode, top: int, bottom: int) -> int:
    """The first line of the comment above, where it can only be about what is deleted.

    It stays where the next line goes on without a blank line or comment of its own, as it may
    be about both; and above the first of a list or section, as it may be about them all.
    """
    source = start.source
    after = source.line(bottom + 1)
    margin = len(source.line(start.line)) - len(source.line(start.line).lstrip())
    goes_on = after.strip() and not _COMMENT.match(after)
    if goes_on and len(after) - len(after.lstrip()) >= margin:
        return top
    while top > 0 and _COMMENT.match(source.line(top - 1)):
        top -= 1
    return top

"""What the YAML parser could not read, in words a user understands.

The two parsers of PyYAML, in C and in Python, word the same problem differently, and name their
own states instead of what stands in the text. An explanation is therefore chosen by a part of the
wording that both share, and looks at the text itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeAlias

import yaml

from cnnkit.errors import Finding
from cnnkit.spec.text.node import Marks, Source
from cnnkit.spec.text.parser_stop import ParserStop
from cnnkit.spec.text.scalars import shortened

__all__ = ["syntax_finding"]

_LEADING_TAB: Final = re.compile(r" *(\t)")
_UNPRINTABLE: Final = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)
_CLOSING: Final = {"[": "]", "{": "}"}
_MAX_KEY_LENGTH: Final = 1024  # YAML's own limit of a key on one line


def syntax_finding(source: Source, error: Exception) -> Finding:
    """The finding of an exception that the parser raised on a source."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        start = error.context_mark or error.problem_mark
        problem = ParserStop(
            source,
            f"{error.context}: {error.problem}",
            error.problem_mark.line,
            error.problem_mark.column,
            start.line,
            start.column,
        )
        message, advice, marks = _explained(problem)
        return Finding("syntax", "error", message, advice, source.location(*marks))
    message, advice, marks = _unprintable(source) or (
        f"this is not YAML: {error}",
        None,
        (0, 0, 0, 0),
    )
    return Finding("syntax", "error", message, advice, source.location(*marks))


_Explanation: TypeAlias = tuple[str, str | None, Marks]


def _unprintable(source: Source) -> _Explanation | None:
    match = _UNPRINTABLE.search(source.text)
    if match is None:
        return None
    line, column = source.position(match.start())
    code = ord(match.group())
    if 0xD800 <= code <= 0xDFFF:
        message = f"U+{code:04X} is one half of a surrogate pair, and the other half is missing"
        advice = "write the character itself"
    else:
        message = f"the control character U+{code:04X} is not allowed in YAML"
        advice = f'remove it, or write it as "\\x{code:02x}" in double quotes'
    return message, advice, (line, column, line, column + 1)


def _explained(problem: ParserStop) -> _Explanation:
    """The message, the help and the place that suit the problem."""
    tab = _LEADING_TAB.match(problem.text)
    if tab and tab.start(1) <= problem.column:
        return _tab(problem, tab.start(1))
    if problem.text[problem.column : problem.column + 1] == "\t":
        return _tab(problem, problem.column)
    if problem.found == ":" and len(problem.before) > _MAX_KEY_LENGTH:
        message = f"the key before this `:` is longer than {_MAX_KEY_LENGTH:,} characters"
        return message, "shorten it", problem.here
    for words, explain in _EXPLANATIONS:
        if words in problem.words:
            return explain(problem)
    return f"this is not YAML: {problem.words.removeprefix('None: ')}", None, problem.here


def _tab(problem: ParserStop, column: int) -> _Explanation:
    place = (problem.line, column, problem.line, column + 1)
    return "a tab stands here; YAML is indented by spaces", "replace the tab by spaces", place


def _open_quote(problem: ParserStop) -> _Explanation:
    quote = problem.opener
    inside = "''" if quote == "'" else '\\"'
    message = f"the quote `{quote}` that opens here is never closed"
    advice = f"close it with `{quote}`; a `{quote}` inside the string is written `{inside}`"
    return message, advice, problem.start


def _escape(problem: ParserStop) -> _Explanation:
    backslash = max(problem.text.rfind("\\", 0, problem.column + 1), 0)
    escape = problem.text[backslash : backslash + 2]
    message = f"`{escape}` does not start a valid escape in a string in double quotes"
    advice = "write `\\\\` for a backslash, or use single quotes, where it stands for itself"
    if escape in ("\\u", "\\U", "\\x"):
        advice = "write the character itself"
    return message, advice, (problem.line, backslash, problem.line, backslash + len(escape))


def _open_bracket(problem: ParserStop) -> _Explanation:
    bracket = problem.opener
    closing = _CLOSING.get(bracket, "}")
    if "$(" in problem.before and problem.found in ("[", "]", "{", "}"):
        message = f"{problem.shown} ends the expression before it, inside `{bracket}…{closing}`"
        advice = 'put the expression in quotes: `"$(…)"`'
        return message, advice, problem.here
    if problem.at_end:
        message = f"the `{bracket}` that opens here is never closed"
        return message, f"close it with `{closing}`", problem.start
    message = f"`,` or `{closing}` is expected here, not {problem.shown}"
    if problem.start_line == problem.line:
        advice = "put a `,` between two entries, and quotes around a text that holds a sign of YAML"
        return message, advice, problem.here
    opened = f"line {problem.start_line + 1}, column {problem.start_column + 1}"
    message += f"; the `{bracket}` was opened on {opened}"
    advice = f"close it with `{closing}`"
    if problem.found == ":" and not problem.before:
        advice += ", or put this `:` on the line of its key"
    return message, advice, problem.here


def _no_value(problem: ParserStop) -> _Explanation:
    message = f"a value is expected here, not {problem.shown}"
    advice = {
        ",": "remove one `,`",
        "]": "remove it, or open a list with `[` before it",
        "}": "remove it, or open a mapping with `{` before it",
    }.get(problem.found, "write a value, `null` for none, or put the text in quotes")
    return message, advice, problem.here


def _no_key(problem: ParserStop) -> _Explanation:
    if problem.found in ("]", "}"):
        return f"{problem.shown} closes nothing that is open", "remove it", problem.here
    if problem.found == ":":
        return "a key is missing before this `:`", "write a name before it", problem.here
    if problem.before not in ("", "-"):
        message = f"{problem.shown} follows a value that has ended"
        advice = "put the whole value in quotes; in single quotes, a `'` is written `''`"
        return message, advice, problem.here
    what = "a list item `-`" if problem.found == "-" else problem.shown
    keys = f"column {problem.start_column + 1}, as on line {problem.start_line + 1}"
    message = f"{what} cannot stand here: the keys around it start in {keys}"
    advice = "line a key up with its neighbours, and the items of a list with one another"
    return message, advice, problem.here


def _no_item(problem: ParserStop) -> _Explanation:
    if problem.found in ("]", "}"):
        return f"{problem.shown} closes nothing that is open", "remove it", problem.here
    opened = f"line {problem.start_line + 1}"
    message = f"a list item `- ` is expected here, as on {opened}, not {problem.shown}"
    advice = "start it with `- `, or indent it to belong to the item above"
    return message, advice, problem.here


def _no_colon(problem: ParserStop) -> _Explanation:
    line = problem.source.line(problem.start_line)
    written = line[problem.start_column :].rstrip()
    message = f"`{shortened(written)}` has no `:`, where a `key: value` is expected"
    end = problem.start_column + len(written)
    place = (problem.start_line, problem.start_column, problem.start_line, end)
    return message, "write a `:` and a space after the key, or indent the line further", place


def _colon(problem: ParserStop) -> _Explanation:
    if re.search(r":\s", problem.before):
        message = "a second `:` stands in this value"
        advice = "put a text with a `:` in quotes, and a mapping inside another in `{…}`"
    else:
        message = "a `:` cannot stand here: this line goes on with the value before it"
        advice = "check the indentation of this line, and that the line before ends its value"
    return message, advice, problem.here


def _item(problem: ParserStop) -> _Explanation:
    message = "a list item `-` cannot stand here"
    return message, "start each item on a line of its own, below the key", problem.here


def _no_space(problem: ParserStop) -> _Explanation:
    advice = "write `key: value`, with a space; put a text with a `:` in quotes"
    return "a space is missing after this `:`", advice, problem.here


def _sign(problem: ParserStop) -> _Explanation:
    sign = problem.text[problem.column : problem.column + 1]
    message = f"`{sign}` cannot start a value"
    place = (problem.line, problem.column, problem.line, problem.column + 1)
    return message, f'put the text in quotes: `"{sign}…"`', place


def _block_scalar(problem: ParserStop) -> _Explanation:
    message = f"{problem.shown} cannot stand after the `{problem.opener}` of a text block"
    return message, "start the text on the next line, indented", problem.here


def _name(problem: ParserStop) -> _Explanation:
    sign = problem.opener
    message = f"a name is expected after `{sign}`"
    return message, f'put a text that starts with `{sign}` in quotes: `"{sign}"`', problem.start


def _tag(problem: ParserStop) -> _Explanation:
    message = "this tag is not valid"
    return message, "remove it, or put a text that starts with `!` in quotes", problem.start


def _directive(problem: ParserStop) -> _Explanation:
    message = "this directive is not valid"
    return message, "remove the line that starts with `%`; a spec needs none", problem.start


def _after_document(problem: ParserStop) -> _Explanation:
    message = f"{problem.shown} stands after the end of the document"
    return message, "a spec is one document: one mapping of keys", problem.here


_EXPLANATIONS: Final[tuple[tuple[str, Callable[[ParserStop], _Explanation]], ...]] = (
    ("found unexpected end of stream", _open_quote),
    ("found unexpected document", _open_quote),
    ("unknown escape character", _escape),
    ("Unicode character escape", _escape),
    ("quoted scalar: ", _escape),
    ("expected ',' or", _open_bracket),
    ("tag", _tag),
    ("irective", _directive),
    ("incompatible YAML document", _directive),
    ("node content", _no_value),
    ("parsing a block mapping", _no_key),
    ("parsing a block collection", _no_item),
    ("could not find expected ':'", _no_colon),
    ("mapping values are not allowed", _colon),
    ("sequence entries are not allowed", _item),
    ("found unexpected ':'", _no_space),
    ("mapping keys are not allowed", _sign),
    ("cannot start any token", _sign),
    ("block scalar", _block_scalar),
    ("alphabetic or numeric", _name),
    ("<document start>", _after_document),
)

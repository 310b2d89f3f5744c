"""Parsing an expression into a checked tree, and walking the tree.

Python parses and nothing is run: a tree holds only the kinds of node that ``_EVALUATORS`` has a
function for, and all of it is checked before any of it is evaluated.
"""

from __future__ import annotations

import ast
import operator
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from cnnkit.errors import did_you_mean
from cnnkit.spec.language import arithmetic
from cnnkit.spec.language.arithmetic import FUNCTIONS, ImpossibleError
from cnnkit.spec.language.value import ExpressionError, Value, lookup
from cnnkit.spec.text.scalars import shortened

__all__ = ["MAX_EXPRESSION_DEPTH", "Tree", "parse"]

MAX_EXPRESSION_DEPTH: Final = 50
"""Operations inside operations; the walker recurses."""

_ALLOWED: Final = (
    "an expression is made of numbers, strings, lists, variables, + - * / // % **, comparisons,"
    " and, or, not, `a if c else b`, `list[index]`, `[a for b in list]`, and "
    f"{', '.join(FUNCTIONS)}"
)

_BINARY: Final[dict[type[ast.operator], Callable[[Any, Any], Value]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: arithmetic.divide,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: arithmetic.power,
}
_SIGNS: Final[dict[type[ast.unaryop], Callable[[Any], Value]]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}
_COMPARISONS: Final[dict[type[ast.cmpop], Callable[[Any, Any], bool]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
}
_OPERATORS: Final = (*_BINARY, *_SIGNS, ast.Not, *_COMPARISONS, ast.And, ast.Or)
# What the names of Python's other nodes are called in a message.
_REFUSED: Final = {
    "Attribute": "an attribute (`.name`)",
    "JoinedStr": "an f-string",
    "Lambda": "a lambda",
    "NamedExpr": "an assignment (`:=`)",
    "Dict": "a mapping",
    "DictComp": "a comprehension",
    "GeneratorExp": "a comprehension",
    "Set": "a set",
    "SetComp": "a comprehension",
    "Slice": "a slice beside another index",
    "Starred": "a star (`*`)",
    "Is": "`is`",
    "IsNot": "`is not`",
    "MatMult": "`@`",
    "BitAnd": "`&`",
    "BitOr": "`|`",
    "BitXor": "`^`",
    "Invert": "`~`",
    "LShift": "`<<`",
    "RShift": "`>>`",
}


class Tree:
    """A checked expression.

    Attributes:
        names: The names it reads, constants such as ``true`` among them.
    """

    __slots__ = ("_root", "names")

    def __init__(self, root: ast.expr, names: frozenset[str]) -> None:
        self._root = root
        self.names = names

    def evaluate(self, variables: Mapping[str, Value]) -> Value:
        """The value of the expression.

        Raises:
            ExpressionError: A variable is missing, or an operation is not possible.
        """
        return _evaluate(self._root, variables)


def parse(text: str) -> Tree:
    """Parses the inside of ``$(…)``.

    Raises:
        ExpressionError: It is not an expression, or holds what is not allowed in one.
    """
    if not text.strip():
        raise ExpressionError(
            "the expression is empty", "write it between the brackets: `$(2 * k)`"
        )
    # In brackets, so that blanks at the start are no indentation; on one line, so that a column
    # is a place in the text.
    line = "(" + re.sub(r"\s", " ", text) + ")"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's advice on `1 is 1` would reach the user
            root = ast.parse(line, mode="eval").body
    except (SyntaxError, ValueError, OverflowError, MemoryError, RecursionError) as error:
        place = getattr(error, "offset", None) or 0
        message = f"`{shortened(text)}` is not a valid expression"
        raise ExpressionError(message, _ALLOWED, min(max(place - 2, 0), len(text))) from None
    names: set[str] = set()
    _check(root, line.encode(), 1, names)
    return Tree(root, frozenset(names))


def _check(node: ast.expr, line: bytes, depth: int, names: set[str]) -> None:
    """Checks a node and those below it, and collects the names they read.

    Columns, which Python counts in bytes, become places in the text on the way.
    """
    node.col_offset = len(line[: node.col_offset].decode()) - 1
    if depth > MAX_EXPRESSION_DEPTH:
        message = f"the expression is nested more than {MAX_EXPRESSION_DEPTH} deep"
        raise ExpressionError(message, "split it by variables", node.col_offset)
    if type(node) not in _EVALUATORS:
        raise _refused(node, node)
    if isinstance(node, ast.Constant):
        _check_constant(node)
    elif isinstance(node, ast.Name):
        names.add(node.id)
    elif isinstance(node, ast.ListComp):
        _check_comprehension(node, line, depth, names)
        return
    for child in _children(node):
        if isinstance(child, ast.expr):
            _check(child, line, depth + 1, names)
        elif not isinstance(child, _OPERATORS):
            raise _refused(child, node)


def _children(node: ast.expr) -> Iterator[ast.AST]:
    """What is evaluated in a node, and its operators."""
    if isinstance(node, ast.Call):
        _check_call(node)
        yield from node.args
    elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        yield node.value
        yield from ast.iter_child_nodes(node.slice)
    else:
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, ast.expr_context):
                yield child


def _check_comprehension(node: ast.ListComp, line: bytes, depth: int, names: set[str]) -> None:
    """Checks ``[item for name in list if condition]``, whose name is read inside it alone.

    One inside another is refused: the work of the inner one would be that of both lists.
    """
    refused = ast.ListComp, ast.GeneratorExp, ast.SetComp, ast.DictComp
    (each, *more) = node.generators
    inner = [node.elt, *each.ifs]
    several = more or any(isinstance(part, refused) for at in inner for part in ast.walk(at))
    if several or each.is_async or not isinstance(each.target, ast.Name):
        message = "a comprehension is of one list and one name: `[2 * x for x in list]`"
        advice = "split it by variables; `if` after the list leaves items out"
        raise ExpressionError(message, advice, node.col_offset)
    _check(each.iter, line, depth + 1, names)
    own: set[str] = set()
    for part in inner:
        _check(part, line, depth + 1, own)
    names.update(own - {each.target.id})


def _check_constant(node: ast.Constant) -> None:
    value = node.value
    if value is not None and not isinstance(value, bool | int | float | str):
        raise ExpressionError(f"`{ast.unparse(node)}` is not allowed", _ALLOWED, node.col_offset)
    try:
        arithmetic.check_bounds(value)
        if isinstance(value, str):
            value.encode()  # a lone surrogate, from an escape, could never be printed
    except ImpossibleError as error:
        raise ExpressionError(error.message, error.help, node.col_offset) from None
    except UnicodeEncodeError:
        message = "this string has one half of a surrogate pair"
        raise ExpressionError(message, "write the character itself", node.col_offset) from None


def _check_call(node: ast.Call) -> None:
    name = ast.unparse(node.func)
    if not isinstance(node.func, ast.Name) or name not in FUNCTIONS:
        near = did_you_mean(name, FUNCTIONS)
        advice = f"did you mean `{near}`?" if near else f"the functions are {', '.join(FUNCTIONS)}"
        message = f"there is no function `{shortened(name)}`"
        raise ExpressionError(message, advice, node.col_offset)
    _, fewest, most = FUNCTIONS[name]
    if node.keywords:
        message = f"`{name}` takes its arguments by place, not by name"
        raise ExpressionError(message, None, node.col_offset)
    if not fewest <= len(node.args) <= most:
        takes = f"{fewest}" if fewest == most else f"{fewest} or {most}"
        if most > 2:
            takes = f"at least {fewest}"
        noun = "argument" if takes.endswith("1") else "arguments"
        message = f"`{name}` takes {takes} {noun}, not {len(node.args)}"
        raise ExpressionError(message, None, node.col_offset)


def _refused(node: ast.AST, place: ast.expr) -> ExpressionError:
    kind = type(node).__name__
    what = _REFUSED.get(kind, f"Python's `{kind}`")
    return ExpressionError(f"{what} is not allowed in an expression", _ALLOWED, place.col_offset)


def _evaluate(node: ast.expr, variables: Mapping[str, Value]) -> Value:
    try:
        return _EVALUATORS[type(node)](node, variables)
    except ImpossibleError as error:
        message = f"`{shortened(ast.unparse(node))}` cannot be computed: {error.message}"
        raise ExpressionError(message, error.help, node.col_offset) from None


def _constant(node: ast.Constant, _: Mapping[str, Value]) -> Value:
    value: Any = node.value
    return value  # type: ignore[no-any-return]  # `_check_constant` has seen its type


def _name(node: ast.Name, variables: Mapping[str, Value]) -> Value:
    return lookup(node.id, variables, node.col_offset)


def _binary(node: ast.BinOp, variables: Mapping[str, Value]) -> Value:
    left = _evaluate(node.left, variables)
    right = _evaluate(node.right, variables)
    return arithmetic.calculate(_BINARY[type(node.op)], left, right)


def _unary(node: ast.UnaryOp, variables: Mapping[str, Value]) -> Value:
    value = _evaluate(node.operand, variables)
    if isinstance(node.op, ast.Not):
        return not value
    return arithmetic.signed(_SIGNS[type(node.op)], value)


def _boolean(node: ast.BoolOp, variables: Mapping[str, Value]) -> Value:
    stops_at = isinstance(node.op, ast.Or)
    value: Value = None
    for operand in node.values:
        value = _evaluate(operand, variables)
        if bool(value) is stops_at:
            break
    return value


def _comparison(node: ast.Compare, variables: Mapping[str, Value]) -> Value:
    left = _evaluate(node.left, variables)
    for comparison, operand in zip(node.ops, node.comparators, strict=True):
        right = _evaluate(operand, variables)
        if not arithmetic.compare(_COMPARISONS[type(comparison)], left, right):
            return False
        left = right
    return True


def _choice(node: ast.IfExp, variables: Mapping[str, Value]) -> Value:
    chosen = node.body if _evaluate(node.test, variables) else node.orelse
    return _evaluate(chosen, variables)


def _list(node: ast.List | ast.Tuple, variables: Mapping[str, Value]) -> Value:
    items: list[Value] = [_evaluate(item, variables) for item in node.elts]
    arithmetic.check_bounds(items)
    return items


def _comprehension(node: ast.ListComp, variables: Mapping[str, Value]) -> Value:
    (each,) = node.generators
    found: list[Value] = []
    for item in arithmetic.items(_evaluate(each.iter, variables)):
        seen = {**variables, each.target.id: item}  # type: ignore[attr-defined]  # it is checked
        if all(_evaluate(condition, seen) for condition in each.ifs):
            found.append(_evaluate(node.elt, seen))
            arithmetic.check_bounds(found)
    return found


def _subscript(node: ast.Subscript, variables: Mapping[str, Value]) -> Value:
    value = _evaluate(node.value, variables)
    index = node.slice
    if not isinstance(index, ast.Slice):
        return arithmetic.item(value, _evaluate(index, variables))
    start, stop, step = (
        None if bound is None else _evaluate(bound, variables)
        for bound in (index.lower, index.upper, index.step)
    )
    return arithmetic.part(value, start, stop, step)


def _call(node: ast.Call, variables: Mapping[str, Value]) -> Value:
    arguments = [_evaluate(argument, variables) for argument in node.args]
    return arithmetic.call(node.func.id, arguments)  # type: ignore[attr-defined]  # `_check_call`


_EVALUATORS: Final[dict[type[ast.expr], Callable[[Any, Mapping[str, Value]], Value]]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.BoolOp: _boolean,
    ast.Compare: _comparison,
    ast.IfExp: _choice,
    ast.List: _list,
    ast.Tuple: _list,
    ast.ListComp: _comprehension,
    ast.Subscript: _subscript,
    ast.Call: _call,
}

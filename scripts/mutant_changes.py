"""Small changes of code, each one of its kind: `==` to `!=`, a line left out, a number one larger."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

_COMPARED: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}


class Mutant(NamedTuple):
    """One change.

    Attributes:
        line: 0 where the syntax has none.
        before, after: the first lines of what is changed.
        place: of the node, in the order of `ast.walk`.
        changed: the node that takes its place.
        reached: the lines that run when the changed code runs, or None if that is no part of a function.
    """

    file: Path
    line: int
    before: str
    after: str
    place: int
    changed: ast.AST
    reached: range | None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}  {self.before}  ->  {self.after}"

    def tree(self) -> ast.Module:
        """The whole module with the change, each node where it stood."""
        tree = ast.parse(self.file.read_text("utf-8"))
        target = next(islice(ast.walk(tree), self.place, None))
        parent, field, index = _slot(tree, target)
        if index is None:
            setattr(parent, field, self.changed)
        else:
            getattr(parent, field)[index] = self.changed
        return ast.fix_missing_locations(tree)


def mutants_of(file: Path) -> Iterator[Mutant]:
    """Every change of one module."""
    tree = ast.parse(file.read_text("utf-8"))
    reached = dict(_reached(tree, None, is_in_function=False))
    for place, node in enumerate(ast.walk(tree)):
        for changed in _changes(node):
            line = getattr(node, "lineno", 0)
            yield Mutant(file, line, _text(node), _text(changed), place, changed, reached.get(node))


def _reached(node: ast.AST, lines: range | None, *, is_in_function: bool) -> Iterator[tuple[ast.AST, range]]:
    """For each node of a function's body, the lines of the innermost statement without those below it."""
    if isinstance(node, ast.stmt) and is_in_function:
        below = getattr(node, "body", None)
        lines = range(
            node.lineno, max(node.lineno + 1, below[0].lineno if below else (node.end_lineno or 0) + 1)
        )
    if lines:
        yield node, lines
    body = node.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else ()
    for child in ast.iter_child_nodes(node):
        yield from _reached(child, lines, is_in_function=is_in_function or child in body)


def _changes(node: ast.AST) -> Iterator[ast.AST]:
    changed = copy.deepcopy(node)
    match changed:
        case ast.Compare(ops=[operator, *_]):
            changed.ops[0] = _COMPARED[type(operator)]()
            yield changed
        case ast.BoolOp():
            changed.op = ast.Or() if isinstance(changed.op, ast.And) else ast.And()
            yield changed
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            changed.op = ast.Sub() if isinstance(changed.op, ast.Add) else ast.Add()
            yield changed
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=int() as number):
            yield ast.Constant(number + 1)
        case ast.If(test=test) | ast.IfExp(test=test):
            changed.test = ast.UnaryOp(ast.Not(), test)
            yield changed
        case ast.Return(value=ast.expr()) if not _is_none(changed.value):
            yield ast.Return(ast.Constant(None))
        case ast.Raise() | ast.Continue() | ast.Break() | ast.Expr(value=ast.Call() | ast.Await()):
            yield ast.Pass()
        case _:
            pass


def _is_none(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _slot(tree: ast.AST, target: ast.AST) -> tuple[ast.AST, str, int | None]:
    """Where in its parent a node stands."""
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            if value is target:
                return parent, field, None
            if isinstance(value, list):
                for index, item in enumerate(value):
                    if item is target:
                        return parent, field, index
    raise AssertionError("the module itself is not changed")


def _text(node: ast.AST) -> str:
    """The first line of a node's source."""
    return ast.unparse(node).partition("\n")[0][:70]

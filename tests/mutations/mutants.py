"""The small changes of a source text: where they are, and the text with one of them made.

Left alone are docstrings, annotations, decorators, ``__all__``, assertions, the texts of errors,
what only type checkers read, keywords that change nothing in a right program (``strict`` of
``zip``, ``maxsize`` of a cache), and what forms count and at which rates: it decides about time
alone, and whether well is measured by ``python -m benchmarks choice``.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult, ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitAnd, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
}  # fmt: skip
FOR_CHECKERS = ("TYPE_CHECKING", "MYPY")
WITHOUT_EFFECT = ("strict", "maxsize")
SYMMETRIC = ("min", "max", "gcd")
ERRORS = ("fail",)  # functions that raise: their arguments are texts
COUNTS, RATES = "Counts", "Rates"  # what functions return, and what is called, that decide on time


@dataclass(frozen=True)
class Mutant:
    """One change of one file.

    ``span`` holds the bytes that it replaces, ``lines`` the first and last line that run them, and
    ``statement`` says whether they are one; ``number`` tells mutants with the same words in the
    same function apart.
    """

    path: str
    line: int
    where: str
    before: str
    after: str
    span: tuple[int, int]
    lines: tuple[int, int]
    statement: bool
    number: int = 0

    @property
    def name(self) -> str:
        """What stays the same when the lines around it move."""
        place = f"{self.path} {self.where}: {self.before} -> {self.after}"
        return place if self.number == 0 else f"{place} ({self.number + 1})"

    def __str__(self) -> str:
        """File, line and change."""
        return f"{self.path}:{self.line}: {self.before} -> {self.after}"


def mutants_of(path: str, source: str) -> list[Mutant]:
    """Every mutant of a file, in the order of its text."""
    finder = _Finder(path, source)
    finder.visit(ast.parse(source))
    found, seen = [], Counter[str]()
    for mutant in sorted(finder.found, key=lambda mutant: (mutant.span, mutant.after)):
        found.append(replace(mutant, number=seen[mutant.name]))
        seen[mutant.name] += 1
    return found


def mutated(source: str, mutant: Mutant) -> str:
    """The text with the change made."""
    text = source.encode()
    start, stop = mutant.span
    new = mutant.after if mutant.statement else f"({mutant.after})"
    return (text[:start] + new.encode() + text[stop:]).decode()


class _Finder(ast.NodeVisitor):
    """Collects the mutants of one file."""

    def __init__(self, path: str, source: str) -> None:
        self.path = path
        self.found: list[Mutant] = []
        self.places: list[str] = []  # the classes and functions that the node at hand is in
        self.text = source.encode()
        self.starts = [0]
        for line in self.text.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        self.lines = (0, 0)  # of the statement at hand, or of the function whose defaults these are

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.stmt):
            before, self.lines = self.lines, (node.lineno, 0)
            super().visit(node)
            self.lines = before
            return
        if isinstance(node, ast.expr) and not (
            _calls(node, *ERRORS, RATES, "isinstance") or (_is_union(node) and not self.places)
        ):
            for after in _changes(node):
                self.add(node, ast.unparse(after))
        super().visit(node)

    def add(self, node: ast.expr | ast.stmt, after: str) -> None:
        span = (
            self.starts[node.lineno - 1] + node.col_offset,
            self.starts[node.end_lineno - 1] + node.end_col_offset,
        )
        first, last = self.lines
        where = ".".join(self.places) or "<module>"
        lines = (first, last or node.end_lineno)
        statement = isinstance(node, ast.stmt)
        before = ast.unparse(node)
        self.found.append(
            Mutant(self.path, node.lineno, where, before, after, span, lines, statement)
        )

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        if isinstance(node.returns, ast.Name) and node.returns.id == COUNTS:
            return
        self.places.append(node.name)
        self.lines = (node.body[0].lineno, node.end_lineno)
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if isinstance(default, ast.Constant) and default.value == "":
                continue
            if isinstance(default, ast.Constant) and isinstance(default.value, str | None):
                self.add(default, "0" if default.value is None else "''")
            elif default is not None:
                self.visit(default)
        for statement in _without_docstring(node.body):
            self.visit(statement)
        self.places.pop()

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.places.append(node.name)
        for statement in _without_docstring(node.body):
            self.visit(statement)
        self.places.pop()

    def visit_Module(self, node: ast.Module) -> None:
        for statement in _without_docstring(node.body):
            self.visit(statement)

    def visit_If(self, node: ast.If) -> None:
        if isinstance(node.test, ast.Name) and node.test.id in FOR_CHECKERS:
            for statement in node.orelse:
                self.visit(statement)
            return
        self.add(node.test, "False")
        self.generic_visit(node)

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None and not _is_none(node.value):
            self.add(node, "return None")
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call):
            self.add(node, "pass")
        if not isinstance(node.value, ast.Constant):
            self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        named_all = isinstance(node.targets[0], ast.Name) and node.targets[0].id == "__all__"
        if not named_all:
            self.visit(node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        other = ARITHMETIC.get(type(node.op))
        if other is not None:
            self.add(node, ast.unparse(ast.AugAssign(node.target, other(), node.value)))
        self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        if _calls(node, "isinstance"):
            self.visit(node.args[0])
        elif not _calls(node, *ERRORS, RATES):
            self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword) -> None:
        if node.arg not in WITHOUT_EFFECT:
            self.visit(node.value)

    def left_alone(self, node: ast.AST) -> None:
        """Nothing in it is changed."""

    visit_JoinedStr = visit_Raise = visit_Assert = left_alone  # noqa: N815
    visit_Import = visit_ImportFrom = visit_arguments = left_alone  # noqa: N815


def _changes(node: ast.expr) -> Iterator[ast.expr]:
    """What the expression may turn into, its parts as they are."""
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            operators = list(node.ops)
            operators[place] = COMPARISONS[type(operator)]()
            yield ast.Compare(node.left, operators, node.comparators)
    elif isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
        yield ast.BinOp(node.left, ARITHMETIC[type(node.op)](), node.right)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        if not isinstance(node.operand, ast.Constant) or isinstance(node.op, ast.Not):
            yield node.operand
    elif isinstance(node, ast.IfExp):
        yield node.body
        yield node.orelse
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield ast.Constant(not node.value)
        elif isinstance(node.value, int | float):
            yield ast.Constant(node.value + 1)
            yield ast.Constant(node.value - 1)
    elif isinstance(node, ast.Call) and len(node.args) > 1 and not _is_symmetric(node):
        first, second, *others = node.args
        starred = isinstance(first, ast.Starred) or isinstance(second, ast.Starred)
        if not starred and ast.dump(first) != ast.dump(second):
            yield ast.Call(node.func, [second, first, *others], node.keywords)


def _is_symmetric(node: ast.Call) -> bool:
    """Whether the order of its arguments says nothing: min(a, b), or array.swapaxes(a, b)."""
    method = getattr(node.func, "attr", "")
    return _calls(node, *SYMMETRIC) or (method == "swapaxes" and len(node.args) == 2)


def _is_union(node: ast.expr) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr)


def _calls(node: ast.expr, *names: str) -> bool:
    """Whether it is a call of one of these functions."""
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") in names


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0] if body else None
    said = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return body[1:] if said else body


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None

"""Every element as the sum of its products: the arrays of one call, and the terms of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from numpy.typing import NDArray

from tconv._core.arguments import Pairs, Shape
from tconv._core.plan import Call, Plan
from tconv.explanation import terms
from tconv.explanation.indices import Orders, orders
from tconv.explanation.terms import Join, Term
from tconv.explanation.values import factor, scalar, times, total, written


@dataclass(frozen=True, eq=False, repr=False)
class Sums:
    """A transposed convolution with its arrays, in the caller's order of axes.

    x and w hold letters, and y is None, where only sizes were given.  ``padding`` and
    ``output_padding`` are the numbers that the arguments come to.
    """

    call: Call
    padding: Pairs
    output_padding: Shape
    x: NDArray[Any]
    w: NDArray[Any]
    b: NDArray[Any] | None
    y: NDArray[Any] | None

    def terms(self, index: Any) -> tuple[Term, ...]:
        """The products that an element of y is the sum of, beside its ``bias``.

        Args:
            index: of y, one int an axis, from -size to size - 1; the batch and the channels may
                be left out where there is one of each.

        Returns: the terms by rising input index; none where no tap reaches the element.

        Raises: ValueError for an index that y does not have; TypeError for what is no int.
        """
        return self._terms(terms.joins_of_output(self.plan, self.orders.y.canonical(index)))

    def bias(self, index: Any) -> Any:
        """The bias that is added to an element of y: 0 without a bias.  Args: see ``terms``."""
        return self.bias_of(self.orders.y.canonical(index)[1])

    def uses_of_input(self, index: Any) -> tuple[Term, ...]:
        """The terms that an element of x takes part in: its footprint in y, by rising tap.

        Args:
            index: of x, as ``terms`` takes one of y.

        Raises: ValueError for an index that x does not have; TypeError for what is no int.
        """
        return self._terms(terms.joins_of_input(self.plan, self.orders.x.canonical(index)))

    def uses_of_weight(self, index: Any) -> tuple[Term, ...]:
        """The terms that an element of w takes part in, by rising input index.

        Args:
            index: of w, as ``terms`` takes one of y.

        Raises: ValueError for an index that w does not have; TypeError for what is no int.
        """
        return self._terms(terms.joins_of_weight(self.plan, self.orders.w.canonical(index)))

    def cropped(self) -> tuple[Term, ...]:
        """The products that padding threw away: their output index lies outside of y.

        Every product of the full scatter is one of these, or a term of one element.
        """
        return self._terms(terms.cropped_joins(self.plan))

    @property
    def plan(self) -> Plan:
        """The geometry, in canonical order."""
        return self.call.plan

    @property
    def symbolic(self) -> bool:
        """Whether letters stand for the values."""
        return self.y is None

    @cached_property
    def orders(self) -> Orders:
        """How x, w and y lie."""
        plan = self.plan
        alone = (plan.batch, plan.in_channels, plan.out_channels) == (1, 1, 1)
        y_shape = self.call.layout.output_shape(plan.y_shape)
        return orders(self.call.layout, self.x.shape, self.w.shape, y_shape, alone)

    def bias_of(self, channel: int) -> Any:
        """The bias of an output channel."""
        return 0 if self.b is None else scalar(self.b, (channel,))

    def x_value(self, index: Shape) -> Any:
        """An element of x by its canonical index."""
        return scalar(self.x, self.orders.x.given(index))

    def w_value(self, index: Shape) -> Any:
        """An element of w by its canonical index."""
        return scalar(self.w, self.orders.w.given(index))

    def y_value(self, index: Shape) -> Any:
        """An element of y by its canonical index: as computed, or the sum of letters."""
        if self.y is not None:
            return scalar(self.y, self.orders.y.given(index))
        return self.sum_of(index)

    def sum_of(self, index: Shape) -> Any:
        """The exact sum of the products that land on a position (batch, channel, *o), cropped or
        not; in y with its bias."""
        products = [self.product(join) for join in terms.joins_of_output(self.plan, index)]
        if self.b is not None and all(map(terms.inside, self.plan.axes, index[2:])):
            products.append(self.bias_of(index[1]))
        return total(products)

    def product(self, join: Join) -> Any:
        """The product of an input and a tap."""
        return times(self.x_value(join.x), self.w_value(join.w))

    def formula(self, index: Shape, most: int = 8) -> str:
        """The sum of an element of y by its canonical index, with ``most`` terms at most."""
        joins = list(terms.joins_of_output(self.plan, index))
        names = [f"{self.orders.x.written(j.x)}*{self.orders.w.written(j.w)}" for j in joins]
        numbers = [f"{factor(self.x_value(j.x))}*{factor(self.w_value(j.w))}" for j in joins]
        if self.b is not None:
            names.append(f"b[{index[1]}]")
            numbers.append(factor(self.bias_of(index[1])))
        element = self.orders.y.written(index)
        if not names:
            return f"{element} = 0, as no tap reaches it"
        parts = [element, _cut(names, most), _cut(numbers, most)]
        result = written(self.sum_of(index))
        if result != parts[-1] and not self.symbolic:
            parts.append(result)
        return " = ".join(parts) + self._wrapped(index)

    def _wrapped(self, index: Shape) -> str:
        """What an integer type makes of a sum beyond its range."""
        if self.y is None or self.y.dtype.kind not in "iu":
            return ""
        computed = self.y_value(index)
        wraps = computed != self.sum_of(index)
        return f", which wraps around to {computed} in {self.y.dtype}" if wraps else ""

    def _terms(self, joins: Iterable[Join]) -> tuple[Term, ...]:
        x, w, y = self.orders.x, self.orders.w, self.orders.y
        found = []
        for join in joins:
            values = self.x_value(join.x), self.w_value(join.w)
            indices = x.given(join.x), w.given(join.w), y.given(join.y)
            found.append(Term(*indices, *values, times(*values)))
        return tuple(found)


def _cut(parts: list[str], most: int) -> str:
    """A sum of so many parts at most."""
    if len(parts) <= most + 1:
        return " + ".join(parts)
    return " + ".join([*parts[:most], "...", f"({len(parts) - most} more)"])

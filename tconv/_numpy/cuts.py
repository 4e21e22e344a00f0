"""Into how many parts a problem is cut so that a piece of it fits, for the least time.

A piece is a problem of its own: a part of the batch, of the groups, of the channels, of the taps,
and of the positions of the axes, which are those of y where y is computed and else those of x.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from math import prod
from typing import Any

from tconv._core.plan import Plan
from tconv._numpy.choose import RATES, choose, nanoseconds
from tconv._numpy.forms import EXACT, FORMS, Form
from tconv._numpy.scratch import WORKSPACE

OPERANDS = {"y": "xw", "x": "yw", "w": "xy"}

# Nanoseconds that a piece costs beside its form: its plan, its views and its call.
PIECE = 50e3


@dataclass(frozen=True)
class Task:
    """What is computed, and in what way: ``form`` names one of ``FORMS``, "exact" or "auto".

    The operands are computed with in ``itemsize`` bytes an element; ``copied`` says which of them
    are not so in memory, in the order of ``OPERANDS``, and whether the result is not.
    """

    result: str
    form: str
    itemsize: int
    copied: tuple[bool, bool, bool]

    def form_for(self, plan: Plan) -> Form:
        """The form that computes a plan."""
        if self.form == "auto":
            name = choose(self.result, plan)
        elif plan.is_far:
            name = "tapwise"
        else:
            name = EXACT[self.result] if self.form == "exact" else self.form
        return FORMS[self.result][name]


# Into how many parts each is cut: batch, groups, channels of x and of y in a group; then the
# positions of each axis, then its taps.
Parts = tuple[int, ...]
BATCH, GROUPS, INPUTS, OUTPUTS, POSITIONS = range(5)


def is_summed(task: Task, plan: Plan) -> list[bool]:
    """Of each of the ``Parts`` whether the result is summed over it."""
    of_result = {"y": (INPUTS,), "x": (OUTPUTS,), "w": (BATCH,)}[task.result]
    along = [task.result == "w"] * len(plan.axes) + [task.result != "w"] * len(plan.axes)
    return [*(number in of_result for number in range(POSITIONS)), *along]


def spatial(plan: Plan, chosen: Any) -> tuple[Any, Any]:
    """The positions and the taps."""
    middle = POSITIONS + len(plan.axes)
    return chosen[POSITIONS:middle], chosen[middle:]


def sizes_of(task: Task, plan: Plan) -> tuple[int, ...]:
    positions = plan.output_size if task.result == "y" else plan.input_size
    channels = plan.group_in_channels, plan.group_out_channels
    return (plan.batch, plan.groups, *channels, *positions, *plan.kernel_size)


@lru_cache(maxsize=1024)
def cuts(task: Task, plan: Plan) -> Parts:
    """The parts whose pieces fit."""
    return _search(task, plan, partial(weight, task, plan), range(POSITIONS + 2 * len(plan.axes)))


@lru_cache(maxsize=1024)
def cuts_together(task: Task, plan: Plan, copied: tuple[bool, bool]) -> Parts | None:
    """The parts whose pieces fit where w is summed beside x: none of w itself.  ``copied`` says
    of x and w, as in a task, whether they are held in another form."""
    numbers = (BATCH, GROUPS, *range(POSITIONS, POSITIONS + len(plan.axes)))
    weigh = partial(_weight_together, task, plan, copied)
    parts = _search(task, plan, weigh, numbers)
    return parts if weigh(parts)[0] <= WORKSPACE else None


Weigh = Callable[[Parts], tuple[int, float]]


def _search(task: Task, plan: Plan, weigh: Weigh, numbers: Sequence[int]) -> Parts:
    """One after the other of these is halved, which brings the bytes of a piece down for the least
    time: twice the time must save three quarters of the bytes."""
    parts: Parts = (1,) * (POSITIONS + 2 * len(plan.axes))
    needed, _ = weigh(parts)
    while needed > WORKSPACE:
        found = []
        for more in _halvings(task, plan, parts, numbers):
            needed, time = weigh(more)
            found.append((needed * time**2, needed, more))
        if not found:
            return parts
        _, needed, parts = min(found)
    return parts


def _weight_together(
    task: Task, plan: Plan, copied: tuple[bool, bool], parts: Parts
) -> tuple[int, float]:
    """Bytes of a piece of both, and nanoseconds for all of them."""
    needed, time = weight(task, plan, parts)
    piece = _largest(task, plan, parts)
    form = FORMS["w"][task.form]
    cut = max(parts) > 1
    elements = prod(piece.x_shape) if copied[0] or cut else 0
    elements += prod(plan.w_shape) if copied[1] else 0
    elements += prod(piece.w_shape) if cut else 0
    needed += form.workspace(piece, task.itemsize) + elements * task.itemsize
    return needed, time + prod(parts) * nanoseconds(form, piece)


def _halvings(task: Task, plan: Plan, parts: Parts, numbers: Sequence[int]) -> Iterator[Parts]:
    """The parts with one of these doubled, where that is possible."""
    whole_groups, sizes = parts[GROUPS] < plan.groups, sizes_of(task, plan)
    for number in numbers:
        size, count = sizes[number], parts[number]
        if count < size and not (whole_groups and number in (INPUTS, OUTPUTS)):
            yield (*parts[:number], min(size, 2 * count), *parts[number + 1 :])


def weight(task: Task, plan: Plan, parts: Parts) -> tuple[int, float]:
    """Bytes that a piece needs at most, and nanoseconds for all of them."""
    piece = _largest(task, plan, parts)
    form = task.form_for(piece)
    whole = {"x": plan.x_shape, "w": plan.w_shape, "y": plan.y_shape}
    shapes = {"x": piece.x_shape, "w": piece.w_shape, "y": piece.y_shape}
    elements = 0
    for name, copied in zip(OPERANDS[task.result], task.copied[:2], strict=True):
        if copied or shapes[name] != whole[name]:
            elements += prod(shapes[name])
    count, result = prod(parts), prod(shapes[task.result])
    summed = prod(n for n, add in zip(parts, is_summed(task, plan), strict=True) if add)
    if count > 1:
        elements += 2 * result if summed > 1 else result
    elif task.copied[2]:
        elements += result
    needed = form.workspace(piece, task.itemsize) + elements * task.itemsize
    moved = RATES.moved * (elements if count > 1 else 0)
    return needed, count * (nanoseconds(form, piece) + moved + PIECE)


def _largest(task: Task, plan: Plan, parts: Parts) -> Plan:
    """A piece inside the whole, where no border makes it smaller; yet one that reaches out of y,
    as those at a border do."""
    sizes = [-(-size // count) for size, count in zip(sizes_of(task, plan), parts, strict=True)]
    positions, taps = spatial(plan, sizes)
    axes = []
    for axis, along, some in zip(plan.axes, positions, taps, strict=True):
        tapped = axis.cut_taps(0, some)
        every = axis.output_size if task.result == "y" else axis.input_size
        if (along, some) == (every, axis.kernel_size):
            axes.append(axis)
        elif task.result == "y":
            lo = tapped.extent - 1
            read = min(axis.input_size, (along - 1 + lo) // axis.stride + 1)
            axes.append(replace(tapped, input_size=read, output_size=along, lo=lo))
        else:
            read = min(axis.output_size, (along - 1) * axis.stride + tapped.extent)
            axes.append(replace(tapped, input_size=along, output_size=read, lo=1))
    batch, groups, inputs, outputs = sizes[:POSITIONS]
    return Plan(batch, groups * inputs, groups * outputs, groups, tuple(axes))

"""The fixed table of nasty corners that every check tries first.

Each is one axis of a transposed convolution; the check of a convolution takes the same axis
the other way.  In two and three dimensions it stands beside plain axes, at a place that
changes from row to row, and the channels, the batch and the memory layout rotate over
``SETTINGS`` so that each meets several geometries.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

from tconv.testing.problems.problem import Geometry, Problem

AXES: dict[str, Geometry] = {
    "kernel 4, stride 2, padding 1": Geometry(4, 4, 2, (1, 1), 0, 1),
    "kernel 3, stride 2, output padding": Geometry(4, 3, 2, (1, 1), 1, 1),
    "plain": Geometry(4, 3, 1, (0, 0), 0, 1),
    "padded to the same size": Geometry(5, 3, 1, (1, 1), 0, 1),
    "stride = kernel": Geometry(3, 2, 2, (0, 0), 0, 1),
    "stride > kernel": Geometry(3, 2, 4, (0, 0), 1, 1),
    "stride > kernel, kernel 1, output padding": Geometry(3, 1, 3, (0, 0), 2, 1),
    "stride > kernel, padded": Geometry(4, 2, 5, (2, 2), 3, 1),
    "padding > kernel": Geometry(6, 2, 2, (3, 3), 0, 1),
    "padding > kernel, stride 1": Geometry(9, 3, 1, (4, 4), 0, 1),
    "one output left": Geometry(5, 3, 1, (3, 3), 0, 1),
    "output padding = stride": Geometry(4, 3, 2, (1, 1), 2, 3),
    "output padding > stride": Geometry(4, 2, 1, (1, 1), 3, 4),
    "size 1": Geometry(1, 3, 2, (0, 0), 1, 1),
    "size 1, one output": Geometry(1, 3, 1, (1, 1), 0, 1),
    "kernel 1": Geometry(4, 1, 1, (0, 0), 0, 1),
    "kernel 1, stride 2": Geometry(4, 1, 2, (0, 0), 1, 1),
    "dilation 2": Geometry(4, 3, 1, (1, 1), 0, 2),
    "stride and dilation share 2": Geometry(4, 3, 2, (1, 1), 1, 2),
    "dilation a multiple of the stride": Geometry(4, 3, 2, (3, 3), 1, 4),
    "stride a multiple of the dilation": Geometry(3, 4, 6, (2, 2), 4, 3),
    "stride and dilation coprime": Geometry(4, 3, 2, (2, 2), 1, 3),
    "kernel larger than the input": Geometry(2, 7, 3, (2, 2), 1, 1),
    "low side cropped more": Geometry(4, 3, 2, (2, 0), 0, 1),
    "high side cropped more": Geometry(4, 3, 2, (0, 2), 1, 1),
    "extended at both sides": Geometry(3, 2, 2, (-1, -3), 0, 1),
    "deep crop at one side": Geometry(6, 3, 2, (5, -1), 0, 1),
}

SETTINGS: tuple[dict[str, Any], ...] = (
    {"in_channels": 2, "out_channels": 3, "batch": 2, "bias": True},
    {},
    {"in_channels": 2, "out_channels": 2, "memory": "strided"},
    {"groups": 2, "in_channels": 4, "out_channels": 6, "bias": True},
    {"groups": 3, "in_channels": 3, "out_channels": 3, "batch": 2, "memory": "fortran"},
    {"in_channels": 3, "out_channels": 3, "batch": 3, "memory": "reversed", "bias": True},
    {"groups": 2, "in_channels": 2, "out_channels": 6},
    {"in_channels": 4, "out_channels": 1, "condition": 1000},
    {"groups": 2, "in_channels": 4, "out_channels": 4, "batch": 2, "bias": True},
    {"in_channels": 2, "out_channels": 1, "batch": 2, "spread": 8},
    {"groups": 2, "in_channels": 6, "out_channels": 2, "batch": 2, "memory": "strided"},
    {"in_channels": 1, "out_channels": 2, "batch": 0, "bias": True},
)

_BESIDE = (Geometry(3, 2, 1, (0, 0), 0, 1), Geometry(2, 3, 2, (1, 1), 1, 1))


def corner_problems(
    kind: str, ndim: Collection[int], dtypes: Collection[str], seed: int
) -> Iterator[Problem]:
    """The table as problems: every axis of it in each number of dimensions and each dtype."""
    for axes in ndim:
        for number, dtype in enumerate(dtypes):
            for row, corner in enumerate(AXES.values()):
                chosen = placed(corner, row, axes)
                setting = SETTINGS[(row + 5 * (axes - 1) + number) % len(SETTINGS)]
                yield problem_of(chosen, setting, dtype, seed + row, kind)


def placed(axis: Geometry, row: int, axes: int) -> tuple[Geometry, ...]:
    """The axis beside plain ones, so many in all, at a place that changes from row to row."""
    beside = [_BESIDE[(row + j) % 2] for j in range(axes - 1)]
    place = row % axes
    return (*beside[:place], axis, *beside[place:])


def problem_of(
    axes: tuple[Geometry, ...], setting: dict[str, Any], dtype: str, seed: int, kind: str
) -> Problem:
    """The problem of these axes; a convolution takes them the other way."""
    columns: dict[str, Any] = dict(zip(Geometry._fields, zip(*axes, strict=True), strict=True))
    limit = 2 if dtype == "float16" else 8  # float16 ends at 65504
    setting = {**setting, "spread": min(setting.get("spread", 0), limit)}
    problem = Problem(**columns, dtype=dtype, seed=seed, **setting)
    if kind == "conv":
        return replace(problem, kind="conv", input_size=problem.output_size, output_padding=0)
    return problem

"""The modes as maps of positions against numpy.pad, and the slabs against the positions that the
definition reads beyond the border."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from jax import export

from tconv._core.boundary import (
    Boundary,
    Run,
    boundary_of,
    extended_axis,
    padding_modes,
    runs_of,
)
from tconv._core.plan import conv_call

PADDED = {"circular": "wrap", "reflect": "reflect", "replicate": "edge"}


def positions(runs: list[Run]) -> list[int]:
    return [run.first + run.step * number for run in runs for number in range(run.length)]


@pytest.mark.parametrize("mode", PADDED)
@pytest.mark.parametrize("size", range(1, 6))
def test_runs_are_what_numpy_pads(mode, size):
    if mode == "reflect" and size == 1:
        return
    before, behind = 11, 13
    wanted = np.pad(np.arange(size), (before, behind), mode=PADDED[mode])
    for start, stop in product(range(-before, size + behind), repeat=2):
        runs = runs_of(mode, size, start, stop)
        read = wanted[start + before : max(start, stop) + before]
        assert positions(runs) == read.tolist()
        for run in runs:
            assert sorted({*positions([run])}) == list(range(size))[run.read]


def test_the_image_is_one_run():
    for mode in PADDED:
        assert runs_of(mode, 5, 0, 5) == [Run(5, 0, 1)]


@pytest.mark.parametrize("mode", PADDED)
def test_of_a_symbolic_size_the_nearest_turn_is_read_without_a_division(mode):
    (h,) = export.symbolic_shape("h", constraints=["h >= 8"])
    before, behind = {
        "circular": (Run(8, h - 8, 1), Run(8, 0, 1)),
        "reflect": (Run(7, 7, -1), Run(6, h - 2, -1)),
        "replicate": (Run(9, 0, 0), Run(9, h - 1, 0)),
    }[mode]
    low, high = -before.length, h + behind.length
    assert runs_of(mode, h, low, high) == [before, Run(h, 0, 1), behind]
    last, first = Run(1, before.first + (before.length - 1) * before.step, before.step), behind
    assert runs_of(mode, h, -1, h + 1) == [last, Run(h, 0, 1), first._replace(length=1)]


PLANS = [
    conv_call((2, 3, 7), (4, 3, 3), stride=2, padding=2).plan,
    conv_call((2, 3, 3), (4, 3, 2), dilation=4, padding=((5, 0),)).plan,
    conv_call((1, 2, 4, 5), (2, 2, 3, 4), padding=(1, 3), stride=(3, 1)).plan,
    conv_call((1, 2, 4, 5), (2, 2, 3, 4), padding=((4, -1), (-2, 5)), dilation=(1, 2)).plan,
    conv_call((1, 1, 3, 2, 4), (1, 1, 2, 3, 2), padding=(2, 1, 3), stride=(2, 1, 1)).plan,
]


def joined(plan, beyond):
    """Each (positions of x, taps) of the definition, by whether they read the image or beyond."""
    along = []
    for axis in plan.axes:
        every = product(range(axis.input_size), range(axis.kernel_size))
        found = []
        for i, t in every:
            o = i * axis.stride + t * axis.dilation - axis.lo
            found.append((i, t, 0 <= o < axis.output_size))
        along.append(found)
    return sorted(
        tuple((i, t) for i, t, _ in chosen)
        for chosen in product(*along)
        if all(inside for *_, inside in chosen) != beyond
    )


@pytest.mark.parametrize("most", [None, 40, 1])
@pytest.mark.parametrize("plan", PLANS, ids=range(len(PLANS)))
def test_each_term_beyond_the_border_is_in_one_part(plan, most):
    found = []
    parts = Boundary(plan, ("circular",) * len(plan.axes)).parts(most)
    assert parts
    for part in parts:
        if part.samples.start:
            continue  # the other samples are alike
        along = []
        every = zip(part.plan.axes, part.inputs, part.taps, strict=True)
        for axis, inputs, taps in every:
            assert axis.input_size == inputs.stop - inputs.start
            assert axis.kernel_size == taps.stop - taps.start
            inner = product(range(axis.input_size), range(axis.kernel_size))
            reaching = [
                (inputs.start + i, taps.start + t)
                for i, t in inner
                if 0 <= i * axis.stride + t * axis.dilation - axis.lo < axis.output_size
            ]
            along.append(reaching)
        found += product(*along)
        lengths = [sum(run.length for run in runs) for runs in part.runs]
        assert lengths == [axis.output_size for axis in part.plan.axes]
    assert sorted(found) == joined(plan, beyond=True)


def test_parts_are_cut_to_a_number_of_elements():
    plan = conv_call((64, 3, 200, 9), (4, 3, 5, 5), padding=2).plan
    boundary = boundary_of(plan, "reflect")
    assert boundary is not None
    assert len(boundary.parts()) == 4
    parts = boundary.parts(1000)
    for part in parts:
        of_part = part.plan
        assert max(np.prod(of_part.x_shape), np.prod(of_part.y_shape)) <= 1000
    assert sum(part.plan.batch * np.prod(part.plan.y_shape[1:]) for part in parts) == (
        64 * 3 * (204 * 13 - 200 * 9)
    )


def test_parts_are_cut_in_halves_of_their_longest_axis():
    """2 x 10 above and below, and 40 x 2 at the sides, which up to 4 x 2 more of x reach."""
    boundary = boundary_of(conv_call((1, 1, 40, 6), (1, 1, 5, 5), padding=2).plan, "circular")
    assert boundary is not None
    for most, sizes in (
        (80, [(2, 10)] * 2 + [(40, 2)] * 2),
        (79, [(2, 10)] * 2 + [(20, 2)] * 4),
        (20, [(2, 10)] * 2 + [(5, 2)] * 16),
        (19, [(2, 5)] * 4 + [(5, 2)] * 16),
    ):
        assert [part.plan.output_size for part in boundary.parts(most)] == sizes


@pytest.mark.parametrize("channels", [(2, 3), (3, 1)])
def test_samples_are_taken_together_as_far_as_they_fit(channels):
    """A sample of the slab has 2 positions of y, which 2 of x reach: 6 elements of one of them."""
    inputs, outputs = channels
    call = conv_call((5, inputs, 8), (outputs, inputs, 3), padding=((2, 0),))
    boundary = boundary_of(call.plan, "circular")
    assert boundary is not None
    for most, stops in (
        (None, [None]), (30, [5]), (29, [4, 5]), (12, [2, 4, 5]), (6, [1, 2, 3, 4, 5]),
    ):  # fmt: skip
        parts = boundary.parts(most)
        assert [part.samples.stop for part in parts] == stops
        assert [part.plan.output_size for part in parts] == [(2,)] * len(stops)
        assert sum(part.plan.batch for part in parts) == 5


@pytest.mark.parametrize("mode", PADDED)
@pytest.mark.parametrize("plan", PLANS, ids=range(len(PLANS)))
def test_the_extended_image_holds_what_numpy_pads(plan, mode):
    boundary = boundary_of(plan, mode)
    assert boundary is not None
    whole = boundary.whole()
    assert whole is not None
    every = (slice(None),) * len(plan.axes)
    assert (whole.samples, whole.inputs, whole.taps) == (slice(None), every, every)
    for number, axis in enumerate(plan.axes):
        beyond = max(axis.lo, 0), max(axis.hi, 0)
        wanted = np.pad(np.arange(axis.output_size), beyond, mode=PADDED[mode])
        extended, read = extended_axis(axis, mode)
        assert read.tolist() == positions(whole.runs[number]) == wanted.tolist()
        assert extended == whole.plan.axes[number]
        assert (extended.output_size, extended.lo) == (len(wanted), min(axis.lo, 0))


@pytest.mark.parametrize("channels", [4, 5])
def test_a_large_image_is_not_extended_as_a_whole(channels):
    """2**16 elements at most: 4 channels of 126 + 2 rows and columns, and not a fifth."""
    boundary = boundary_of(
        conv_call((1, channels, 126, 126), (1, channels, 3, 3), padding=1).plan, "circular"
    )
    assert boundary is not None
    assert (boundary.whole() is None) == (channels == 5)


def test_a_slab_that_no_tap_reads_is_no_part():
    plan = conv_call((1, 1, 8), (1, 1, 1), stride=5, padding=((3, 0),)).plan
    boundary = boundary_of(plan, "circular")
    assert boundary is not None
    (part,) = boundary.parts()
    assert part.plan.axes[0].output_size == 3
    plan = conv_call((1, 1, 3), (1, 1, 2), dilation=9, stride=9, padding=((9, -2),)).plan
    assert {axis.input_size for axis in plan.axes} == {1}
    boundary = boundary_of(plan, "circular")
    assert boundary is not None
    assert [part.taps for part in boundary.parts()] == [(slice(0, 1),)]


def test_zeros_have_no_boundary():
    plan = PLANS[2]
    assert boundary_of(plan, "zeros") is None
    assert boundary_of(plan, ("zeros", "zeros")) is None
    assert padding_modes(["circular"], 2) == ("circular", "circular")


@pytest.mark.parametrize("number", [0, 1])
def test_an_axis_of_zeros_reads_nothing_beyond(number):
    modes = ["reflect", "reflect"]
    modes[number] = "zeros"
    boundary = boundary_of(PLANS[2], modes)
    assert boundary is not None
    parts = boundary.parts()
    assert len(parts) == 2
    for part in (*parts, boundary.whole()):
        assert part.runs[number] == (Run(PLANS[2].output_size[number], 0, 1),)

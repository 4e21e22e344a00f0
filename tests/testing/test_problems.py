"""Problems: what follows from their fields, and which ones a check tries."""

import subprocess
import sys
from dataclasses import replace
from math import gcd

import numpy as np
import pytest

from tconv.testing import Problem
from tconv.testing.problems import selection
from tconv.testing.problems.corners import AXES, corner_problems
from tconv.testing.problems.large import large_problems
from tconv.testing.problems.problem import fill, laid_out
from tconv.testing.problems.selection import Selection
from tests.testing.test_simplify import PROBLEM, changes


def test_a_problem_is_written_as_it_would_be_typed():
    assert repr(PROBLEM) == (
        "Problem(input_size=(9,), kernel_size=(5,), stride=4, padding=((-3, 5),), "
        "output_padding=2, dilation=3, groups=4, in_channels=8, out_channels=12, batch=9, "
        "bias=True, memory='strided', spread=3, condition=10, seed=5)"
    )
    problem = Problem((4, 1), (1, 1), stride=(1, 2), padding=(2, 0), dilation=(3, 3), batch=None)
    assert repr(problem) == (
        "Problem(input_size=(4, 1), kernel_size=(1, 1), stride=(1, 2), padding=(2, 0), "
        "dilation=3, batch=None)"
    )
    assert repr(Problem((4, 1), (1, 1), padding=1)) == (
        "Problem(input_size=(4, 1), kernel_size=(1, 1), padding=1)"
    )


def test_the_numbers_of_a_transposed_convolution():
    problem = Problem(
        (3, 5), (2, 4), stride=(2, 1), padding=(1, 0), groups=2, in_channels=4, out_channels=6,
        batch=3, bias=True,
    )  # fmt: skip
    assert problem.x_shape == (3, 4, 3, 5)
    assert problem.w_shape == (4, 3, 2, 4)
    assert problem.output_shape == (3, 6, 4, 8)
    assert problem.accumulation_length == 2 * 2 * 4 + 1
    assert problem.work == 3 * 2 * (3 * 5) * (2 * 4) * 2 * 3  # batch, groups, ..., channels of one
    assert problem.terms == 2 * (3 * 5) * (2 * 4)


def test_the_numbers_of_a_convolution_follow_its_result():
    problem = Problem((7,), (3,), stride=2, groups=2, in_channels=6, out_channels=4, kind="conv")
    assert problem.output_shape == (1, 4, 3)
    assert problem.w_shape == (4, 3, 3)
    assert problem.accumulation_length == 3 * 3
    assert problem.work == 2 * 3 * 3 * 3 * 2
    assert problem.terms == 2 * 3 * 3


def test_the_keywords_of_a_call_and_of_its_adjoint():
    problem = Problem((4, 5), (3, 2), stride=2, padding=(1, 0), output_padding=1, groups=2)
    shared = {"stride": (2, 2), "padding": (1, 0), "dilation": (1, 1), "groups": 2}
    assert problem.keywords == shared | {"output_padding": (1, 1)}
    assert problem.partner_keywords == shared
    lopsided = replace(problem, padding=((1, 0), (2, 2)))
    assert not lopsided.symmetric
    assert lopsided.keywords["padding"] == ((1, 0), (2, 2))
    assert not replace(problem, padding=(-1, 0)).symmetric
    # 8 positions in windows of 3 at a stride of 3: 2 windows read 6, and 2 positions are left.
    conv = Problem((8,), (3,), stride=3, kind="conv")
    assert conv.keywords == {"stride": (3,), "padding": (0,), "dilation": (1,), "groups": 1}
    assert conv.partner_keywords == conv.keywords | {"output_padding": (2,)}


@pytest.mark.parametrize(
    ("change", "valid"),
    [
        ({}, True),
        ({"padding": ((2, 2),)}, True),  # one position is left
        ({"padding": ((2, 3),)}, False),
        ({"groups": 4}, False),
        ({"groups": 3}, False),
        ({"groups": 0}, False),
        ({"groups": 6}, False),
        ({"dilation": (0,)}, False),
        ({"stride": (0,)}, False),
        ({"output_padding": (1,)}, True),
        ({"output_padding": (2,)}, False),
        ({"output_padding": (-1,)}, False),
        ({"output_padding": (2,), "dilation": (3,)}, True),
        ({"output_padding": (2,), "stride": (3,)}, True),
        ({"kernel_size": (1,), "input_size": (3,)}, True),
        ({"input_size": (0,), "kernel_size": (9,)}, False),
    ],
)
def test_which_problems_are_valid(change, valid):
    problem = Problem(
        (2,), (3,), stride=2, groups=2, in_channels=6, out_channels=4, padding=0, batch=0
    )
    assert replace(problem, **change).valid is valid


def test_without_a_batch_the_shapes_have_no_axis_for_it():
    single, empty = (Problem((4,), (3,), in_channels=2, batch=batch) for batch in (None, 0))
    assert (single.x_shape, single.output_shape) == ((2, 4), (1, 6))
    assert (empty.x_shape, empty.output_shape) == ((0, 2, 4), (0, 1, 6))
    assert single.work == empty.work == 4 * 3 * 2


def test_what_a_program_is_compiled_for_leaves_the_values_open():
    assert changes(PROBLEM, PROBLEM.program) == {
        "memory": "contiguous", "spread": 0, "condition": 1, "seed": 0,
    }  # fmt: skip


def drawn(stream, shape):
    return np.random.default_rng([5, stream]).standard_normal(shape)


def test_the_arrays_follow_from_the_seed():
    """Each from a stream of its own, the same in every run and on every machine."""
    problem = Problem((4,), (3,), in_channels=2, out_channels=3, batch=2, bias=True, seed=5)
    x, w, b = problem.arrays()
    for stream, (values, shape) in enumerate([(x, (2, 2, 4)), (w, (2, 3, 3)), (b, (3,))]):
        np.testing.assert_array_equal(values, drawn(stream, shape).astype("f4"), strict=True)
    dy = problem.cotangent()
    np.testing.assert_array_equal(dy, drawn(3, (2, 3, 6)).astype("f4"), strict=True)
    assert replace(problem, bias=False).arrays()[2] is None
    strided = replace(problem, memory="strided")
    for array, plain in zip((*strided.arrays()[:2], strided.cotangent()), (x, w, dy), strict=True):
        np.testing.assert_array_equal(array, plain)
        assert array.strides[-1] == 2 * plain.strides[-1]
    halved = replace(problem, condition=2).arrays()
    np.testing.assert_array_equal(halved[0][:, 1], x[:, 0])
    np.testing.assert_array_equal(halved[1], [w[0], -w[0] / 2])


@pytest.mark.parametrize(
    ("dtype", "spread", "low", "high"),
    [
        ("int8", 0, -9, 9),
        ("uint16", 0, 0, 9),
        ("int8", 1, -128, 127),
        ("uint8", 3, 0, 255),
    ],
)
def test_integers_are_small_or_any(dtype, spread, low, high):
    values = fill(np.random.default_rng(0), (4, 1000), dtype, spread)
    assert (values.dtype, values.min(), values.max()) == (dtype, low, high)
    assert values.shape == (4, 1000)
    assert len(np.unique(values)) == high - low + 1


def test_a_spread_multiplies_by_powers_of_two_to_both_sides():
    plain, wide = (fill(np.random.default_rng(0), (2000,), "float64", s) for s in (0, 3))
    assert set(np.log2(wide / plain).tolist()) == {-3, -2, -1, 0, 1, 2, 3}
    values = fill(np.random.default_rng(0), (2000,), "complex64", 0)
    assert values.dtype == np.complex64
    for part in (values.real, values.imag):
        assert abs(part.mean()) < 0.1
        assert abs(part.std() - 1) < 0.1
    assert abs((values.real * values.imag).mean()) < 0.1


@pytest.mark.parametrize("memory", ["contiguous", "fortran", "reversed", "strided"])
def test_a_layout_in_memory_keeps_the_values(memory):
    values = np.arange(24.0).reshape(2, 3, 4)
    array = laid_out(values, memory)
    np.testing.assert_array_equal(array, values, strict=True)
    signs = {"reversed": -1}.get(memory, 1)
    step = {"strided": 2}.get(memory, 1)
    wanted = (8, 16, 48) if memory == "fortran" else (96 * step, 32 * step, 8 * step)
    assert array.strides == tuple(signs * stride for stride in wanted)


def test_bfloat16_is_known_before_anything_else_brings_it():
    code = (
        "from tconv.testing.problems.problem import dtype_named\n"
        "print(dtype_named('bfloat16').name, dtype_named('float16').name)"
    )
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["bfloat16", "float16"]


def test_another_layout_is_refused():
    with pytest.raises(ValueError, match=r"^memory: must be one of \('contiguous', .*; got 'flat'"):
        laid_out(np.zeros(2), "flat")


@pytest.mark.parametrize("kind", ["conv_transpose", "conv"])
@pytest.mark.parametrize("batch", [None, 2])
def test_channels_cancel_to_what_the_condition_says(kind, batch):
    problem = Problem(
        (6,), (3,), groups=2, in_channels=6, out_channels=4, batch=batch, dtype="float64",
        condition=100, kind=kind,
    )  # fmt: skip
    plain = replace(problem, condition=1).arrays()
    x, w, _ = problem.arrays()
    x, wanted_x = (np.moveaxis(values, -2, 0) for values in (x, plain[0]))
    # Axes of a group: its input channels first, then the others of w.
    shape = (2, 3, 2, 3) if kind == "conv_transpose" else (2, 2, 3, 3)
    grouped, wanted_w = (values.reshape(shape) for values in (w, plain[1]))
    if kind == "conv":
        grouped, wanted_w = grouped.swapaxes(1, 2), wanted_w.swapaxes(1, 2)
    for group in range(2):
        first, second, third = range(3 * group, 3 * group + 3)
        np.testing.assert_array_equal(x[[first, second]], wanted_x[[first, first]])
        np.testing.assert_array_equal(x[third], wanted_x[third])
        np.testing.assert_array_equal(grouped[group, [0, 2]], wanted_w[group, [0, 2]])
        np.testing.assert_array_equal(grouped[group, 1], -0.99 * grouped[group, 0])


def select(profile, **options):
    return Selection("conv_transpose", ndim=1, profile=profile, seed=7, **options)


@pytest.fixture
def without_pairs(monkeypatch):
    """The covering array takes long to make."""
    monkeypatch.setattr(selection, "pair_problems", lambda *space: [("pairs", *space)])


@pytest.mark.usefixtures("without_pairs")
@pytest.mark.parametrize(
    ("profile", "count"),
    [("table", 0), ("quick", 25), ("default", 100), ("thorough", 2_000), ("hours", 200_000)],
)
def test_a_profile_has_the_table_the_larger_problems_and_so_many_drawn(profile, count):
    space = "conv_transpose", (1,), ("float32",), 7
    wanted = list(corner_problems(*space))
    assert len(wanted) == 27
    if profile not in ("table", "quick"):
        wanted += [*large_problems(*space), ("pairs", *space)]
    problems = select(profile)
    assert problems.fixed == wanted
    assert len(problems) == len(wanted) + count


def test_drawn_problems_have_small_batches_but_for_the_large_ones():
    problems = list(select("table", max_examples=60))[27:]
    assert len(problems) == 60
    batches = {problem.batch for n, problem in enumerate(problems) if n % 3 != 1}
    assert batches == {1, 2, 3}
    assert {problem.batch for problem in problems[1::3]} == {1, 2, 4, 7}


@pytest.mark.usefixtures("without_pairs")
def test_where_a_problem_comes_from_is_counted_from_one():
    quick, few = select("quick"), select("few", max_examples=3)
    assert [quick.where(n) for n in (0, 26, 27, 51)] == [
        "row 1, seed 7", "row 27, seed 7", "example 1, seed 7", "example 25, seed 7",
    ]  # fmt: skip
    assert [few.where(n) for n in (0, 1, 2, 5)] == [
        f"choice {choice}, seed 7" for choice in (1, 1, 2, 3)
    ]


def test_the_few_are_drawn_twice_each(monkeypatch):
    monkeypatch.setattr(selection, "pair_problems", lambda *space: [])
    few = select("few", max_examples=3, supports=lambda p: p.seed % 7 == 0)
    problems = list(few)
    assert len(problems) == len(few) == 6
    for first, second in zip(problems[::2], problems[1::2], strict=True):
        assert second == replace(first, seed=first.seed + 1000)
    assert len(select("few")) == 2 * 100
    assert len(select("few", max_examples=10_000)) == 2 * (len(few.fixed) + 100)


@pytest.mark.parametrize("kind", ["conv_transpose", "conv"])
def test_by_default_the_problems_have_one_to_three_axes_in_float32(kind, monkeypatch):
    monkeypatch.setattr(selection, "pair_problems", lambda *space: [space])
    problems = Selection(kind)
    assert problems.corners == list(corner_problems(kind, (1, 2, 3), ("float32",), 0))
    assert [problem.ndim for problem in problems.corners] == [1] * 27 + [2] * 27 + [3] * 27
    assert {(problem.kind, problem.dtype) for problem in problems.corners} == {(kind, "float32")}
    assert problems.fixed[-1] == (kind, (1, 2, 3), ("float32",), 0)
    assert len(problems) == len(problems.fixed) + 100
    assert problems.where(0) == "row 1, seed 0"


def test_several_dtypes_have_a_table_each_and_none_alone_is_refused():
    assert len(select("table", dtypes=("int8", "float64"))) == 2 * 27
    text = r"^dtypes: must be a tuple of names; got 'int8'. Write \('int8',\)\.$"
    with pytest.raises(ValueError, match=text):
        select("table", dtypes="int8")
    with pytest.raises(ValueError, match=r"^profile: must be one of table, quick, few, .*'days'"):
        select("days")


def test_a_problem_that_is_not_supported_gives_way_to_the_nearest():
    problems = list(select("table", supports=lambda p: p.stride == (1,)))
    assert {problem.stride for problem in problems} == {(1,)}
    assert list(select("table", supports=lambda p: False)) == [None] * 27
    flat = list(Selection("conv", ndim=(2, 3), profile="table", seed=7))
    assert [problem.ndim for problem in flat] == [2] * 27 + [3] * 27


CORNERS = {
    "kernel 4, stride 2, padding 1": lambda a: a[1:4] == (4, 2, (1, 1)),
    "kernel 3, stride 2, output padding": lambda a: a[1:3] == (3, 2) and a.output_padding == 1,
    "plain": lambda a: a[2:] == (1, (0, 0), 0, 1),
    "padded to the same size": lambda a: outputs(a) == a.input_size > 1 and a.kernel_size > 1,
    "stride = kernel": lambda a: a.stride == a.kernel_size > 1,
    "stride > kernel": lambda a: a.stride > a.kernel_size > 1,
    "stride > kernel, kernel 1, output padding": lambda a: (
        a.stride > a.kernel_size == 1 and a.output_padding == a.stride - 1
    ),
    "stride > kernel, padded": lambda a: a.stride > a.kernel_size and min(a.padding) > 0,
    "padding > kernel": lambda a: min(a.padding) > a.kernel_size and a.stride > 1,
    "padding > kernel, stride 1": lambda a: min(a.padding) > a.kernel_size and a.stride == 1,
    "one output left": lambda a: outputs(a) == 1 < a.input_size,
    "output padding = stride": lambda a: a.output_padding == a.stride > 1,
    "output padding > stride": lambda a: a.output_padding > a.stride,
    "size 1": lambda a: a.input_size == 1 < outputs(a),
    "size 1, one output": lambda a: a.input_size == 1 == outputs(a),
    "kernel 1": lambda a: a.kernel_size == 1 == a.stride,
    "kernel 1, stride 2": lambda a: a.kernel_size == 1 and a.stride == 2,
    "dilation 2": lambda a: a.dilation == 2 and a.stride == 1,
    "stride and dilation share 2": lambda a: gcd(a.stride, a.dilation) == 2,
    "dilation a multiple of the stride": lambda a: a.dilation > a.stride == gcd(a[2], a[5]) > 1,
    "stride a multiple of the dilation": lambda a: a.stride > a.dilation == gcd(a[2], a[5]) > 1,
    "stride and dilation coprime": lambda a: gcd(a[2], a[5]) == 1 < min(a.stride, a.dilation),
    "kernel larger than the input": lambda a: a.kernel_size > a.input_size,
    "low side cropped more": lambda a: a.padding[0] > a.padding[1] >= 0,
    "high side cropped more": lambda a: a.padding[1] > a.padding[0] >= 0,
    "extended at both sides": lambda a: max(a.padding) < 0 and a.padding[0] != a.padding[1],
    "deep crop at one side": lambda a: a.padding[0] > a.kernel_size and a.padding[1] < 0,
}


def outputs(axis):
    """The length of y along an axis."""
    extent = axis.dilation * (axis.kernel_size - 1) + 1
    return (axis.input_size - 1) * axis.stride + extent - sum(axis.padding) + axis.output_padding


@pytest.mark.parametrize("name", AXES)
def test_a_corner_is_what_it_is_called(name):
    assert CORNERS[name](AXES[name])

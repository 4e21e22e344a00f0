"""Each mistake of the kit is the one that its sentence says: where it shows, at how many elements,
and that all else is right."""

import numpy as np
import pytest

from tconv import conv_transpose
from tconv.testing import Problem
from tconv.testing.mutants import MUTANTS
from tconv.testing.mutants.sizes import SIZES
from tconv.testing.problems.corners import corner_problems
from tconv.testing.properties import examine
from tconv.testing.trial import Subject

# The problem of the table that shows it first, the property that does not hold, and at how many
# elements of the result.
SHOWN = {
    ("conv_transpose", "kernel flipped"): (1, "values", 48),
    ("conv_transpose", "first axis flipped"): (1, "values", 48),
    ("conv_transpose", "last axis flipped"): (1, "values", 48),
    ("conv_transpose", "kernel axes exchanged"): (29, "values", 138),
    ("conv_transpose", "stride axes exchanged"): (28, "values", 288),
    ("conv_transpose", "dilation axes exchanged"): (39, "values", 252),
    ("conv_transpose", "dilation ignored"): (13, "values", 42),
    ("conv_transpose", "groups and dilation exchanged"): (4, "call", 0),
    ("conv_transpose", "offset by stride and dilation"): (19, "values", 60),
    ("conv_transpose", "even kernels aligned otherwise"): (1, "values", 48),
    ("conv_transpose", "positions bounded by the kernel"): (2, "values", 3),
    ("conv_transpose", "first input position left out"): (1, "values", 18),
    ("conv_transpose", "first tap left out"): (1, "values", 18),
    ("conv_transpose", "first output position left out"): (1, "values", 6),
    ("conv_transpose", "last input position left out"): (1, "values", 18),
    ("conv_transpose", "last tap left out"): (1, "values", 18),
    ("conv_transpose", "last output position left out"): (1, "values", 6),
    ("conv_transpose", "padding of the input"): (1, "shape", 0),
    ("conv_transpose", "padding of the stuffed input"): (1, "shape", 0),
    ("conv_transpose", "padding sides exchanged"): (25, "values", 48),
    ("conv_transpose", "padding axes exchanged"): (28, "values", 288),
    ("conv_transpose", "odd padding split otherwise"): (25, "values", 48),
    ("conv_transpose", "cropped at the high end alone"): (1, "values", 48),
    ("conv_transpose", "low padding at both sides"): (24, "shape", 0),
    ("conv_transpose", "rows late where stride misses padding"): (1, "values", 48),
    ("conv_transpose", "shifted low"): (1, "values", 48),
    ("conv_transpose", "shifted high"): (1, "values", 48),
    ("conv_transpose", "output padding ignored"): (2, "shape", 0),
    ("conv_transpose", "output padding below the stride"): (12, "shape", 0),
    ("conv_transpose", "output padding at the low side"): (2, "values", 8),
    ("conv_transpose", "output padding appends zeros"): (2, "values", 1),
    ("conv_transpose", "output padding shared by the sides"): (2, "values", 8),
    ("conv_transpose", "output channels interleaved"): (4, "values", 20),
    ("conv_transpose", "input channels interleaved"): (4, "values", 30),
    ("conv_transpose", "weight channels exchanged"): (3, "values", 12),
    ("conv_transpose", "weight of the first group"): (4, "values", 15),
    ("conv_transpose", "last group reversed"): (4, "values", 12),
    ("conv_transpose", "rest of four channels unweighted"): (2, "values", 8),
    ("conv_transpose", "first sample alone"): (1, "values", 24),
    ("conv_transpose", "second sample alone"): (1, "values", 24),
    ("conv_transpose", "bias missing"): (1, "values", 48),
    ("conv_transpose", "bias missing where no tap reaches"): (6, "bias where no tap reaches", 45),
    ("conv_transpose", "bias with every product"): (1, "values", 48),
    ("conv_transpose", "bias of the first group"): (4, "values", 15),
    ("conv_transpose", "strides of the input ignored"): (3, "values", 12),
    ("conv_transpose", "strides of the weight ignored"): (3, "values", 12),
    ("conv_transpose", "negative strides read forwards"): (6, "values", 54),
    ("conv_transpose", "fortran order read as c"): (5, "values", 32),
    ("conv_transpose", "writes into its input"): (1, "inputs unchanged", 0),
    ("conv_transpose", "writes into its weight"): (1, "inputs unchanged", 0),
    ("conv_transpose", "wrong in one call of three"): (1, "calls agree", 0),
    ("conv_transpose", "uses its buffer again"): (1, "earlier results kept", 0),
    ("conv_transpose", "unreached positions uninitialised"): (6, "calls agree", 0),
    ("conv_transpose", "one position too few"): (1, "shape", 0),
    ("conv_transpose", "one position too many"): (1, "shape", 0),
    ("conv_transpose", "float64 result"): (1, "dtype", 0),
    ("conv_transpose", "empty batch refused"): (12, "call", 0),
    ("conv_transpose", "half precision"): (1, "values", 48),
    ("conv_transpose", "tf32"): (1, "values", 48),
    ("conv_transpose", "sums in half precision"): (1, "values", 13),
    ("conv_transpose", "integers through float32"): (10, "values", 6),
    ("conv_transpose", "zero times infinity"): (1, "NaN and inf in x", 36),
    ("conv_transpose", "large values clipped"): (1, "linear in x", 21),
    ("conv_transpose", "kernel conjugated"): (1, "values", 48),
    ("conv_transpose", "divided by the overlap"): (1, "values", 36),
    ("conv", "kernel flipped"): (1, "values", 24),
    ("conv", "dilation applied twice"): (12, "call", 0),
    ("conv", "low padding at both sides"): (24, "shape", 0),
    ("conv", "strides of the weight ignored"): (3, "values", 8),
    ("conv", "output channels interleaved"): (4, "values", 20),
    ("conv", "rest of 4 depthwise channels left out"): (5, "values", 18),
    ("conv", "last window left out"): (1, "values", 6),
}  # fmt: skip


@pytest.fixture(scope="module")
def tables():
    """The problems of one, two and three axes, by kind and dtypes: made once."""
    made = {}

    def table(kind, dtypes):
        if (kind, dtypes) not in made:
            made[kind, dtypes] = [
                *corner_problems(kind, (1,), dtypes, 0), *corner_problems(kind, (2,), dtypes, 0),
            ]  # fmt: skip
        return made[kind, dtypes]

    return table


@pytest.mark.parametrize(
    "mutant",
    [m for m in MUTANTS if "vjp" not in m.kind and m not in SIZES],
    ids=lambda m: f"{m.kind}-{m.name}",
)
def test_where_a_mistake_shows_first(mutant, tables):
    number, name, wrong = SHOWN[mutant.kind, mutant.name]
    problems = tables(mutant.kind, mutant.dtypes)[:number]
    with np.errstate(all="ignore"):
        findings = [examine(Subject(mutant.fn, mutant.kind), problem)[0] for problem in problems]
    assert [finding for finding in findings[:-1] if finding is not None] == []
    finding = findings[-1]
    assert finding is not None
    assert finding.name == name
    assert (0 if finding.wrong is None else int(finding.wrong.sum())) == wrong


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.kind}-{mutant.name}")
def test_the_bias_may_be_left_out(mutant):
    kind = mutant.kind.removesuffix("_vjp")
    problem = Problem((6,), (3,), stride=2, dtype=mutant.dtypes[0], kind=kind)
    x, w, _ = problem.arrays()
    keywords = {**problem.keywords, "padding": ((0, 0),)}
    with_none, without = mutant.fn(x, w, None, **keywords), mutant.fn(x, w, **keywords)
    if "vjp" in mutant.kind:
        with_none, without = with_none[0], without[0]
    assert without.shape == with_none.shape
    assert without.dtype == with_none.dtype


def test_state_kept_between_calls():
    x, w = np.arange(1.0, 4)[None, None], np.ones((1, 1, 1))
    options = {"stride": (2,), "padding": (0,), "output_padding": (0,), "dilation": (1,)}
    right = [1, 0, 2, 0, 3]
    third = type(NAMED["wrong in one call of three"])()
    found = [third(x, w, **options)[0, 0].tolist() for _ in range(6)]
    assert found == 2 * [right, right, [2, 1, 3, 1, 4]]
    again = type(NAMED["uses its buffer again"])()
    results = [again(n * x, w, **options) for n in (1, 2)]
    assert [result[0, 0].tolist() for result in results] == [[2, 0, 4, 0, 6]] * 2
    other = again(x[..., :2], w, **options)
    assert other[0, 0].tolist() == [1, 0, 2]
    assert not np.shares_memory(other, results[0])
    leaves = type(NAMED["unreached positions uninitialised"])()
    first, second = (leaves(x, w, **options)[0, 0] for _ in range(2))
    for y in (first, second):
        assert y[::2].tolist() == [1, 2, 3]
        assert y[1::2].all()
    assert (first[1::2] != second[1::2]).all()


@pytest.mark.parametrize("pair", [(1, 0), (0, 1), (0, 3), (4, 1), (2, 0), (1, 1), (0, 2)])
def test_unequal_sides_are_split_anew(pair):
    x, w = np.arange(1.0, 6)[None, None], np.array([[[1.0, -2, 3]]])
    found = NAMED["odd padding split otherwise"](x, w, stride=(2,), padding=(pair,))
    low = -(-sum(pair) // 2)
    expected = conv_transpose(x, w, stride=2, padding=[(low, sum(pair) - low)])
    np.testing.assert_array_equal(found, expected)


NAMED = {mutant.name: mutant.fn for mutant in MUTANTS}
FN = {mutant.name: mutant.fn for mutant in SIZES}


def factor(name, *sizes, **fields):
    """How many times too large the result is."""
    problem = Problem(*sizes, dtype="float64", **fields)
    x, w, b = problem.arrays()
    right, found = (fn(x, w, b, **problem.keywords) for fn in (conv_transpose, FN[name]))
    times = round(float(np.vdot(right, found) / np.vdot(right, right)))
    np.testing.assert_allclose(found, times * right, rtol=0, atol=1e-13)
    return times


# Each with a size of n, in the name of the mistake ``above`` n right and above it wrong.
ABOVE = {
    "batch": lambda n: {"batch": n},
    "groups": lambda n: {"groups": n, "in_channels": n, "out_channels": n},
    "in channels of a group": lambda n: {"groups": 2, "in_channels": 2 * n, "out_channels": 2},
    "out channels of a group": lambda n: {"groups": 2, "in_channels": 2, "out_channels": 2 * n},
    "in channels": lambda n: {"in_channels": n},
    "kernel size": lambda n: {"kernel_size": n},
    "stride": lambda n: {"stride": n},
    "dilation": lambda n: {"dilation": n},
    "input size": lambda n: {"input_size": n},
    "padding": lambda n: {"padding": (0, n), "input_size": n + 1},
    "kernel size and stride": lambda n: {"kernel_size": n, "stride": n},
    "input size and out channels of a group": lambda n: {"input_size": n, "out_channels": n},
    "kernel's extent": lambda n: {"kernel_size": 2, "dilation": n - 1},
}


@pytest.mark.parametrize("first", [True, False], ids=["first axis", "last axis"])
@pytest.mark.parametrize("name", [name for name in FN if name.startswith("wrong above ")])
def test_wrong_above_a_size_alone(name, first):
    size, _, bound = name.removeprefix("wrong above ").rpartition(" ")

    def times(fields):
        along = {"input_size": (1, 2), "kernel_size": (1, 2), "stride": (2, 1), "dilation": (1, 1)}
        along["padding"] = (0, (0, 0))
        for field, (default, other) in along.items():
            entry = fields.get(field, default)
            entry = (entry, entry) if field == "padding" and entry == 0 else entry
            along[field] = (entry, other) if first else (other, entry)
        channels = {field: n for field, n in fields.items() if field not in along}
        return factor(name, along.pop("input_size"), along.pop("kernel_size"), **along, **channels)

    assert times(ABOVE[size](int(bound))) == 1
    assert times(ABOVE[size](int(bound) + 1)) == 2
    if " and " in size:  # of two sizes one alone may be larger
        for field, value in ABOVE[size](int(bound) + 1).items():
            assert times(ABOVE[size](int(bound)) | {field: value}) == 1


CORNERS = {
    "output padding of the stride or more": [
        {"stride": 2, "dilation": 3, "output_padding": output_padding} for output_padding in (1, 2)
    ],
    "a stride above the kernel": [{"stride": 3, "dilation": 2}, {"stride": 4, "dilation": 2}],
    "padding deeper than the kernel": [
        {"padding": (1, 2), "dilation": 2}, {"padding": (1, 3), "dilation": 2},
    ],
    "an input of size 1": [{}, {"input_size": 1}],
    "a kernel of size 1": [{}, {"kernel_size": 1}],
    "a common factor of stride and dilation": [
        {"stride": 2, "dilation": 3}, {"stride": 4, "dilation": 6},
    ],
    "negative padding": [{"padding": (0, 1)}, {"padding": (0, -1)}],
}  # fmt: skip


@pytest.mark.parametrize("name", CORNERS)
def test_wrong_at_a_corner_alone(name):
    plain = {
        "input_size": 4, "kernel_size": 2, "stride": 1, "dilation": 1, "padding": (0, 0),
        "output_padding": 0,
    }  # fmt: skip
    for times, fields in enumerate(CORNERS[name], 1):
        for axes in ((fields, {}), ({}, fields)):
            along = {field: tuple((plain | axis)[field] for axis in axes) for field in plain}
            sizes = along.pop("input_size"), along.pop("kernel_size")
            assert factor(f"wrong at {name}", *sizes, **along) == times


PLAIN = {"stride": (1,), "padding": (0,), "output_padding": (0,), "dilation": (1,), "groups": 1}
RESTS = {
    "rest of 16 left out": [(3, n) for n in (15, 16, 17, 31, 32, 35)],
    "first row of each tile wrong": [(3, n) for n in (8, 9, 25)],
    "rest of 4 output channels left out": [(n, 2) for n in (3, 4, 6, 8, 11)],
}
LEFT = {  # of channels and positions: what is left of each element
    "rest of 16 left out": lambda c, i, _, size: not (size > 16 and i >= size - size % 16),
    "first row of each tile wrong": lambda c, i, *_: 0.5 if i and i % 8 == 0 else 1,
    "rest of 4 output channels left out": lambda c, i, channels, _: (
        not (channels > 4 and c >= channels - channels % 4)
    ),
}


@pytest.mark.parametrize("name", RESTS)
def test_what_is_wrong_of_a_tile(name):
    for channels, size in RESTS[name]:
        x, w = np.arange(1.0, 2 * size + 1).reshape(2, 1, size), np.ones((1, channels, 1))
        found = FN[name](x, w, **PLAIN) / x
        left = [[LEFT[name](c, i, channels, size) for i in range(size)] for c in range(channels)]
        np.testing.assert_array_equal(found, [left, left])

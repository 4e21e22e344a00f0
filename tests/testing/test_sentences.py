"""Each sentence of a diagnosis is said of the mistake it names, and not of the others."""

import numpy as np
import pytest

from tconv import conv_transpose, conv_transpose_vjp
from tconv.testing import CheckFailure, check_conv_transpose, check_vjp
from tconv.testing.failure.conditions import CONDITIONS, layouts, when
from tconv.testing.failure.places import ends, positions, where
from tconv.testing.failure.thresholds import thresholds
from tconv.testing.mutants import MUTANTS
from tconv.testing.problems.corners import corner_problems
from tconv.testing.problems.problem import Problem
from tconv.testing.trial import Finding

FN = {mutant.name: mutant.fn for mutant in MUTANTS if mutant.kind == "conv_transpose"}


def failure(function, check=check_conv_transpose, **options):
    with pytest.raises(CheckFailure) as caught:
        check(function, **{"profile": "table", "ndim": 2} | options)
    return caught.value


def blank_where_no_tap_reaches(x, w, b=None, **keywords):
    """What an empty buffer shows that happens to hold the same in each call."""
    y = conv_transpose(x, w, None, **keywords)
    reached = conv_transpose(np.ones_like(x), np.ones_like(w), None, **keywords) != 0
    y = np.where(reached, y, np.float32(7.5))
    return y if b is None else y + b.reshape(-1, *[1] * (y.ndim - 2))


SENTENCES = {
    "the strides of the first and the last spatial axis are": FN["stride axes exchanged"],
    "the dilations of the first and the last spatial axis are": FN["dilation axes exchanged"],
    "the paddings of the first and the last spatial axis are": FN["padding axes exchanged"],
    "the first tap of the last spatial axis is left out": FN["first tap left out"],
    "the last tap of the last spatial axis is left out": FN["last tap left out"],
    "the first input position of the last spatial axis is": FN["first input position left out"],
    "the last input position of the last spatial axis is": FN["last input position left out"],
    "only the first position of the last spatial axis is": FN["first output position left out"],
    "only the last position of the last spatial axis is": FN["last output position left out"],
    "padding crops the high end alone": FN["cropped at the high end alone"],
    "unequal padding is split anew": FN["odd padding split otherwise"],
    "the two sides of the padding are exchanged": FN["padding sides exchanged"],
    "fails with arrays of negative strides, and holds": FN["negative strides read forwards"],
    "fails with arrays in fortran's order, and holds": FN["fortran order read as c"],
    "only positions that no tap reaches differ": FN["unreached positions uninitialised"],
    "positions that no tap reaches are not 0": blank_where_no_tap_reaches,
    "state kept between calls": FN["wrong in one call of three"],
    "a buffer that is used again for every result": FN["uses its buffer again"],
}


@pytest.mark.parametrize("half", ["first", "second"])
def test_each_sentence_is_said_of_its_mistake_alone(half):
    names = list(SENTENCES)
    names = names[:9] if half == "first" else names[9:]
    said = {name: failure(SENTENCES[name]).diagnosis.lower() for name in names}
    for name in names:
        assert [other for other in names if name in said[other]] == [name], said


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_sums_in_a_half_kind_are_told(dtype):
    found = failure(FN["sums in half precision"], ndim=1, dtypes=(dtype,))
    assert f"sums in {dtype}: they have to be summed in float32" in found.diagnosis.lower()


def test_a_rest_of_a_tile_and_the_size_from_which_on_are_told():
    found = failure(FN["rest of 16 left out"], ndim=1, profile="default", max_examples=0)
    assert "(a rest that fills no tile of 16)" in found.diagnosis
    assert "It fails from" in found.diagnosis


NUMBERS = {
    "input_size": lambda p: p.input_size[-1],
    "kernel_size": lambda p: p.kernel_size[-1],
    "stride": lambda p: p.stride[-1],
    "dilation": lambda p: p.dilation[-1],
    "output_padding": lambda p: p.output_padding[-1],
    "padding at the low side": lambda p: p.padding[-1][0],
    "padding at the high side": lambda p: p.padding[-1][1],
    "batch": lambda p: p.batch,
    "groups": lambda p: p.groups,
    "in_channels of a group": lambda p: p.in_channels // p.groups,
    "out_channels of a group": lambda p: p.out_channels // p.groups,
}


@pytest.mark.parametrize("ndim", [1, 2])
@pytest.mark.parametrize("label", NUMBERS)
def test_from_which_number_on_it_fails(label, ndim):
    problem = Problem(
        (2, 9)[-ndim:], (2, 8)[-ndim:], stride=(1, 9)[-ndim:], padding=((0, 0), (4, 5))[-ndim:],
        output_padding=(0, 4)[-ndim:], dilation=(1, 6)[-ndim:], groups=4, in_channels=20,
        out_channels=24, batch=4,
    )  # fmt: skip
    number = NUMBERS[label]
    value, others = number(problem), {name: NUMBERS[name](problem) for name in NUMBERS}
    where = " of spatial axis 1" * (ndim > 1 and "channels" not in label)
    where *= label not in ("batch", "groups")
    assert list(thresholds(problem, lambda p: number(p) >= value)) == [
        f"It fails from {label}{where} {value} on: with {value - 1} it holds"
    ]
    for right in (value + 1, 2 * value):
        found = list(
            thresholds(problem, lambda p, right=right: number(p) not in (value - 1, right))
        )
        assert found == [f"It fails at {label}{where} {value}, and with {value - 1} it holds"]
    tried = []
    list(thresholds(problem, tried.append))
    for one in tried:
        changed = [name for name in NUMBERS if NUMBERS[name](one) != others[name]]
        assert len(changed) <= 1
    assert not list(thresholds(problem, lambda p: True))


def test_a_number_up_to_3_says_nothing():
    for size, said in ((3, 0), (4, 1)):
        problem = Problem((size,), (1,))
        found = list(thresholds(problem, lambda p, size=size: p.input_size[0] >= size))
        assert len(found) == said


@pytest.mark.parametrize(
    ("hit", "size", "words"),
    [
        ([0], 9, "the first position"),
        ([0, 1], 9, "the first 2 positions"),
        ([8], 9, "the last position (a rest that fills no tile of 8)"),
        ([6], 7, "the last position"),
        ([12, 13, 14, 15, 16, 17], 18, "the last 6 positions"),
        ([16, 32, 48], 50, "positions 16, 32 and so on"),
        ([3, 5], 20, "position 3 and 5"),
    ],
)
def test_positions_in_words(hit, size, words):
    assert positions(hit, size) == words


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_what_all_problems_have_is_not_said(ndim):
    """Under ndim=2 all problems have 2 spatial axes, failing or not."""
    problems = list(corner_problems("conv_transpose", (ndim,), ("float32",), 0))
    for name, holds in CONDITIONS.items():
        failing = [p for p in problems if holds(p)]
        passing = [p for p in problems if not holds(p)]
        for said in when(failing, passing):
            assert "spatial ax" not in said
            assert f"problems that have {name}" in said or " exactly " in said
    assert not list(when(problems, []))
    assert (
        "spatial ax" not in failure(FN["kernel axes exchanged"], ndim=2).diagnosis.partition(".")[2]
    )


# Fields of a problem that has the condition, and of others that miss it by one.
HAS = {
    "output_padding >= stride": (
        {"stride": 2, "dilation": 3, "output_padding": 2},
        {"stride": 2, "dilation": 3, "output_padding": 1},
    ),
    "stride > dilation*(kernel_size - 1) + 1": (
        {"stride": 4, "dilation": 2}, {"stride": 3, "dilation": 2},
    ),
    "padding deeper than dilation*(kernel_size - 1)": (
        {"padding": (0, 3), "dilation": 2}, {"padding": (2, 2), "dilation": 2},
    ),
    "negative padding": ({"padding": (-1, 0)}, {}),
    "different padding at the two sides": ({"padding": (0, 1)}, {"padding": (1, 1)}),
    "an input size of 1": ({"input_size": 1}, {}),
    "gcd(stride, dilation) > 1": ({"stride": 4, "dilation": 6}, {"stride": 2, "dilation": 3}),
    "output padding": ({"stride": 2, "output_padding": 1}, {"stride": 2}),
    "dilation > 1": ({"dilation": 2}, {"stride": 2}),
    "stride > 1": ({"stride": 2}, {"dilation": 2}),
    "padding": ({"padding": (0, 1)}, {}),
    "groups > 1": ({"groups": 2, "in_channels": 2, "out_channels": 2}, {"in_channels": 2}),
    "several samples": ({"batch": 2}, {}, {"batch": None}, {"batch": 0}),
    "a bias": ({"bias": True}, {}),
    "groups of one channel each": (
        {"groups": 2, "in_channels": 2, "out_channels": 2},
        {},
        {"groups": 2, "in_channels": 4, "out_channels": 2},
        {"groups": 2, "in_channels": 2, "out_channels": 4},
    ),
    "non-contiguous arrays": ({"memory": "fortran"}, {}),
    "contiguous arrays": ({}, {"memory": "strided"}),
    "arrays in Fortran's order": ({"memory": "fortran"}, {"memory": "reversed"}),
    "arrays of negative strides": ({"memory": "reversed"}, {"memory": "strided"}),
    "arrays with gaps between their elements": ({"memory": "strided"}, {"memory": "fortran"}),
    "several input channels in a group": (
        {"groups": 2, "in_channels": 4, "out_channels": 2},
        {"groups": 2, "in_channels": 2, "out_channels": 4},
    ),
    "several output channels in a group": (
        {"groups": 2, "in_channels": 2, "out_channels": 4},
        {"groups": 2, "in_channels": 4, "out_channels": 2},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_holds_where_it_says(name):
    if name.endswith(" spatial axes"):
        found = [CONDITIONS[name](Problem((2,) * n, (2,) * n)) for n in (1, 2, 3)]
        assert found == [name == f"{n} spatial axes" for n in (1, 2, 3)]
        return
    plain = {
        "input_size": 2, "kernel_size": 2, "stride": 1, "dilation": 1, "padding": (0, 0),
        "output_padding": 0,
    }  # fmt: skip
    for number, given in enumerate(HAS[name]):
        here = plain | {field: value for field, value in given.items() if field in plain}
        others = {field: value for field, value in given.items() if field not in plain}
        for axes in ((here, plain), (plain, here)):
            along = {field: tuple(axis[field] for axis in axes) for field in plain}
            problem = Problem(**along, **others)
            assert CONDITIONS[name](problem) == (number == 0)


def test_layouts_are_told_apart():
    strided = Problem((3,), (2,), memory="strided")
    assert list(layouts(strided, lambda p: p.memory in ("strided", "fortran"))) == [
        "It fails with arrays in Fortran's order and arrays with gaps between their elements, "
        "and holds for the same values in contiguous ones"
    ]
    assert not list(layouts(strided, lambda p: True))
    assert not list(layouts(Problem((3,), (2,)), lambda p: p.memory == "strided"))


def wrong_at(index, shape=(2, 3, 9), result="y"):
    wrong = np.zeros(shape, bool)
    wrong[index] = True
    problem = Problem((9,), (1,), batch=shape[0], out_channels=shape[1])
    return list(where(Finding(problem, "values", "it is off", result, wrong=wrong)))


@pytest.mark.parametrize(
    ("index", "places"),
    [
        ((0,), "sample 0 of 2"),
        ((slice(None), 1), "channel 1 of 3"),
        ((slice(None), [0, 2]), "channel 0 and 2 of 3"),
        ((1, 2, -1), "sample 1 of 2, channel 2 of 3, the last position (a rest that fills no tile "
         "of 8) of 9 of spatial axis 0"),
        ((..., [1, 3, 4, 6]), "position 1 and 3 and 4 and 6 of 9 of spatial axis 0"),
    ],
)  # fmt: skip
def test_where_it_is_wrong_is_said_of_each_axis(index, places):
    problem = "Problem(input_size=(9,), kernel_size=(1,), out_channels=3, batch=2)"
    assert wrong_at(index) == wrong_at(index, result="dx")
    assert wrong_at(index) == [f"in {problem} it is wrong only at {places}"]


def test_where_most_is_wrong_no_place_is_named():
    assert not wrong_at(...)
    assert not wrong_at((..., [0, 1, 2, 5, 6]))
    assert not wrong_at((0,), result="dw")
    assert not wrong_at(..., shape=(0, 3, 9))


def test_an_end_is_said_where_it_alone_is_wrong():
    def mask(*index, shape=(1, 2, 4, 3)):
        wrong = np.zeros(shape, bool)
        wrong[(..., *index)] = True
        return wrong

    every = slice(None)
    one = np.zeros((1, 5), bool)
    one[:, -1] = True
    assert list(ends([mask(every, -1), one], [2, 1])) == [
        "only the last position of the last spatial axis is wrong"
    ]
    for index, words in [
        ((every, 0), "first position of the last"),
        ((-1, every), "last position of the first"),
        ((0, every), "first position of the first"),
    ]:
        masks = [mask(*index), mask(*index, shape=(2, 1, 5, 2))]
        assert list(ends(masks, [2, 2])) == [f"only the {words} spatial axis is wrong"]
    assert not list(ends([mask(every, 1), mask(every, -1)], [2, 2]))
    assert not list(ends([mask(every, -1, shape=(1, 2, 4, 1)), mask(every, -1)], [2, 2]))


def test_what_two_problems_share_with_others_may_be_chance():
    biased = [Problem((n,), (1,), bias=True) for n in (2, 3, 4, 5)]
    plain = Problem((2,), (1,))
    assert list(when(biased[:2], [biased[2], plain])) == [
        "it fails on 2 of the 4 problems of the table"
    ]
    (said,) = when(biased[:3], [biased[3], plain])
    assert said == "all problems on which it fails have a bias: 3 of the 5 problems of the table"


WRONG_RETURNS = {
    "y is None: does the function return it?": lambda y: None,
    "y is a tuple of 2, expected one array; is one of them a pullback: check_vjp takes it?": (
        lambda y: (y, lambda dy: dy)
    ),
    "y is a list of 1, expected one array; is one of them the result?": lambda y: [y],
    "y is a dict, which is no array of numbers": lambda y: {"y": y},
    "y is float64, expected float32": lambda y: y.astype(np.float64),
}


@pytest.mark.parametrize("message", WRONG_RETURNS)
def test_a_function_that_returns_something_else_is_told_so(message):
    def function(x, w, b=None, **keywords):
        return WRONG_RETURNS[message](conv_transpose(x, w, b, **keywords))

    found = failure(function)
    assert message in str(found)
    assert found.property_name == ("dtype" if "float64" in message else "return value")
    assert "supports=" not in found.diagnosis


WRONG_PULLBACKS = {
    "the function returned ndarray, expected (y, pullback)": lambda y, pullback: y,
    "the function returned tuple of 3, expected (y, pullback)": lambda y, pullback: (y, 0, 0),
    "the pullback returned tuple of 2, expected (dx, dw, db)": (
        lambda y, pullback: (y, lambda dy: pullback(dy)[:2])
    ),
    "dw is None: does the function return it?": (
        lambda y, pullback: (y, lambda dy: (pullback(dy)[0], None, pullback(dy)[2]))
    ),
}


@pytest.mark.parametrize("message", WRONG_PULLBACKS)
def test_a_pullback_that_returns_something_else_is_told_so(message):
    def function(x, w, b=None, **keywords):
        return WRONG_PULLBACKS[message](*conv_transpose_vjp(x, w, b, **keywords))

    assert message in str(failure(function, check_vjp, ndim=1))

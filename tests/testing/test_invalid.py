"""Every invalid call is refused by the library, with the error and the argument it names."""

import pytest
from hypothesis import Phase, find, given, settings

import tconv
from tconv.testing.strategies import MISTAKES, invalid_arguments
from tests.testing.choices import draws

QUICK = settings(max_examples=15, deadline=None, database=None, derandomize=True)
CASES = [
    (kind, mistake)
    for kind in ("conv_transpose", "conv")
    for mistake in MISTAKES
    if kind == "conv_transpose" or "output_padding" not in mistake
]


@pytest.mark.parametrize(("kind", "mistake"), CASES)
def test_the_library_refuses(kind, mistake):
    @QUICK
    @given(invalid_arguments(kind=kind, mistake=mistake))
    def refused(call):
        assert call.mistake == mistake
        x, w, b = call.arrays()
        with pytest.raises(call.error) as caught:
            getattr(tconv, kind)(x, w, b, **call.keywords)
        assert str(caught.value).startswith(call.argument)

    refused()


@pytest.mark.parametrize("kind", ["conv_transpose", "conv"])
def test_groups_that_divide_nothing_are_more_than_the_channels_that_the_kernel_splits(kind):
    """Of a transposed convolution those of x, of a convolution those of its result."""
    seen = set()

    @QUICK
    @given(invalid_arguments(kind=kind, mistake="groups that do not divide"))
    def checked(call):
        more = call.keywords["groups"] - call.w_shape[0]
        assert 1 <= more <= 3
        seen.add((more, call.x_shape[1] == call.w_shape[0]))

    checked()
    assert {more for more, _ in seen} == {1, 2, 3}
    assert {same for _, same in seen} == ({True} if kind == "conv_transpose" else {False, True})


@pytest.mark.parametrize("kind", ["conv_transpose", "conv"])
def test_all_mistakes_of_a_kind_are_drawn_and_no_other(kind):
    seen, offered = set(), {mistake for each, mistake in CASES if each == kind}

    def last_of_all(call):
        seen.add(call.mistake)
        assert seen <= offered
        return seen == offered

    drawing = settings(QUICK, max_examples=400, phases=[Phase.generate])
    find(invalid_arguments(kind=kind), last_of_all, settings=drawing)


@pytest.mark.parametrize("kind", ["conv_transpose", "conv"])
def test_the_rest_of_a_call_is_valid_with_a_bias_and_without(kind):
    calls = invalid_arguments(kind=kind, mistake="stride below 1")
    assert find(calls, lambda call: call.b_shape is None).arrays()[2] is None
    call = find(
        calls,
        lambda call: call.b_shape not in (None, call.x_shape[1:2]) and call.keywords["groups"] == 2,
    )
    x, w, b = call.arrays()
    y = getattr(tconv, kind)(x, w, b, **(call.keywords | {"stride": 1}))
    assert b.shape == call.b_shape == y.shape[1:2]


SMALL = {"ndim": (1, 2), "max_stride": 2, "max_dilation": 2, "max_input": 3, "max_kernel": 2}


def on_each_axis(values):
    """(number of axes, axis, value) of each value on each axis."""
    return {(axes, axis, one) for axes, axis in ((1, 0), (2, 0), (2, 1)) for one in values}


@pytest.mark.parametrize(
    ("name", "mistake", "values", "right"),
    [
        ("stride", "stride below 1", (-2, -1, 0), (1, 2)),
        ("dilation", "dilation below 1", (-2, -1, 0), (1, 2)),
        ("stride", "a float stride", (1.0, 2.5), (1, 2)),
        ("dilation", "a bool dilation", (False, True), (1, 2)),
        ("padding", "a negative int of padding", (-3, -2, -1), range(6)),
        ("padding", "padding of three sides", ((0, 0, 0),), range(6)),
        ("output_padding", "negative output_padding", (-2, -1), (0, 1)),
    ],
)
def test_one_axis_has_each_wrong_value(name, mistake, values, right):
    found = set()
    for call in draws(invalid_arguments(mistake=mistake, symmetric=True, **SMALL)):
        entries = call.keywords[name]
        assert len(entries) == len(call.x_shape) - 2
        axes = [a for a, one in enumerate(entries) if type(one) is not int or one not in right]
        assert len(axes) == 1
        found.add((len(entries), axes[0], entries[axes[0]]))
    assert found == on_each_axis(values)


def test_whole_parameters_are_wrong():
    def values(name, mistake):
        calls = draws(invalid_arguments(mistake=mistake, **SMALL))
        return {(len(call.x_shape) - 2, call.keywords[name]) for call in calls}

    assert values("padding", "an unknown padding") == {(1, "SAME_LIKE"), (2, "SAME_LIKE")}
    assert {groups for _, groups in values("groups", "groups below 1")} == {-1, 0}
    longer = values("stride", "too many strides")
    assert {(len(strides) - axes, strides[-2:]) for axes, strides in longer} == {(2, (1, 1))}


def test_output_padding_from_the_larger_of_stride_and_dilation_on():
    found = set()
    for call in draws(
        invalid_arguments(mistake="output_padding of max(stride, dilation)", **SMALL)
    ):
        rows = zip(
            *(call.keywords[name] for name in ("output_padding", "stride", "dilation")), strict=True
        )
        over = [op - max(s, d) for op, s, d in rows]
        ((axis, most),) = [(axis, one) for axis, one in enumerate(over) if one >= 0]
        found.add((len(over), axis, most))
    assert found == on_each_axis((0, 1, 2))


@pytest.mark.parametrize("stride", [1, 3])
@pytest.mark.parametrize("kind", ["conv_transpose", "conv"])
def test_an_output_is_missing_by_up_to_three_positions(kind, stride):
    """A convolution's by up to three positions of the padded input beyond a whole stride."""
    found = set()
    options = SMALL | {"ndim": 1, "max_stride": stride}
    for call in draws(invalid_arguments(kind=kind, mistake="an output below 1", **options), 300):
        (n,), (k,), given = call.x_shape[2:], call.w_shape[2:], call.keywords
        (s,), (d,), ((lo, hi),) = given["stride"], given["dilation"], given["padding"]
        if kind == "conv_transpose":
            found.add((n - 1) * s + d * (k - 1) + 1 + given["output_padding"][0] - lo - hi)
        else:
            assert 0 < s <= stride
            found.add(n + lo + hi - d * (k - 1) - 1)
        assert -2 <= lo <= d * (k - 1) + 3
    most = 0 if kind == "conv_transpose" else -1
    least = most - 3 if kind == "conv_transpose" else -stride - 3
    assert found == set(range(least, most + 1))


@pytest.mark.parametrize("kind", ["conv_transpose", "conv"])
def test_channels_and_shapes_are_wrong_in_every_way(kind):
    def calls(mistake):
        return draws(invalid_arguments(kind=kind, mistake=mistake, **SMALL))

    def channels(call):
        """Of x and of y, by w and the groups."""
        first, second = call.w_shape[0], call.w_shape[1] * call.keywords["groups"]
        return (first, second) if kind == "conv_transpose" else (second, first)

    assert {call.keywords["groups"] - call.w_shape[0] for call in calls(
        "groups that do not divide")} == {1, 2, 3}  # fmt: skip
    more = [(call.x_shape[1] - channels(call)[0], call.keywords["groups"]) for call in calls(
        "other channels in w")]  # fmt: skip
    assert {(one // groups, one % groups) for one, groups in more} == {(1, 0), (2, 0), (3, 0)}
    biases = [(call.b_shape, channels(call)[1]) for call in calls("a bias of another shape")]
    kinds = {(shape == (c + 1,), shape == (1, c), shape == ()) for shape, c in biases}
    assert kinds == {(True, False, False), (False, True, False), (False, False, True)}
    for name, mistake in (("x_shape", "an empty input"), ("w_shape", "an empty kernel")):
        shapes = [getattr(call, name) for call in calls(mistake)]
        assert all(shape.count(0) == 1 for shape in shapes)
        places = {(len(shape) - 2, shape.index(0) - 2, 0) for shape in shapes}
        assert places == on_each_axis((0,))
    ranks = {len(call.x_shape) - len(call.w_shape): call.x_shape[:2] for call in calls(
        "another rank")}  # fmt: skip
    assert set(ranks) == {-2, 2}
    assert ranks[2] == (1, 1)


@pytest.mark.parametrize("kind", ["conv_transpose", "conv"])
def test_any_mistake_of_the_kind_in_a_call_of_one_sample_or_two(kind):
    found = draws(invalid_arguments(kind=kind, **SMALL | {"ndim": 1}), 700)
    assert {call.mistake for call in found} == {name for each, name in CASES if each == kind}
    right = [call for call in found if call.mistake == "stride below 1"]
    assert {call.x_shape[0] for call in right} == {1, 2}
    assert {call.keywords["groups"] for call in right} == {1, 2}
    wide = draws(invalid_arguments(kind=kind, batch=(5,), mistake="stride below 1", **SMALL))
    assert {call.x_shape[0] for call in wide} == {5}
    for array in wide[0].arrays()[:2]:
        assert array.dtype == "float32"
        assert (array == 1).all()

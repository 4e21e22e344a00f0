"""Every invalid call is refused by the library, with the error and the argument it names."""

import pytest
from hypothesis import Phase, find, given, settings

import tconv
from tconv.testing.strategies import MISTAKES, invalid_arguments

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


def test_all_mistakes_are_drawn():
    seen = set()

    def last_of_all(call):
        seen.add(call.mistake)
        return seen == set(MISTAKES)

    find(invalid_arguments(), last_of_all, settings=settings(QUICK, max_examples=400, phases=[
        Phase.generate
    ]))  # fmt: skip


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

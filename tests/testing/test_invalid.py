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

"""Every invalid call is refused by the library, with the error and the argument it names."""

import pytest
from hypothesis import given, settings

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


def test_all_mistakes_are_drawn():
    seen = set()

    @settings(max_examples=400, deadline=None, database=None, derandomize=True)
    @given(invalid_arguments())
    def draw(call):
        seen.add(call.mistake)

    draw()
    assert seen == set(MISTAKES)

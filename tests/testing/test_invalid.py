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


def test_all_mistakes_are_drawn():
    seen = set()

    def last_of_all(call):
        seen.add(call.mistake)
        return seen == set(MISTAKES)

    find(invalid_arguments(), last_of_all, settings=settings(QUICK, max_examples=400, phases=[
        Phase.generate
    ]))  # fmt: skip

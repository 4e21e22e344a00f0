"""Rules in words: what they accept, and what is no rule."""

import pytest

from tconv.testing import Problem
from tconv.testing.problems.supports import Supports

PLAIN = Problem((4, 5), (3, 2), stride=(2, 3), padding=((1, 0), (2, 2)), output_padding=(1, 2))


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("", True),
        ("symmetric", False),
        ("batched, ndim=2", True),
        ("groups=1,bias=false,dtype=float32", True),
        ("dtype!=float32", False),
        ("memory=contiguous", True),
        ("memory=fortran", False),
        ("output_padding<stride", True),
        ("output_padding>=stride", False),
        ("stride<=2", False),
        ("stride > 1", True),
        ("padding>=0", True),
        ("padding=0", False),
        ("padding<2", False),
        ("input_size>kernel_size", True),
        ("kernel_size>=stride", False),
        ("batch=0", False),
    ],
)
def test_every_axis_keeps_every_rule(text, accepted):
    assert Supports(text)(PLAIN) is accepted


def test_a_batch_that_is_not_there_is_no_number():
    alone = Problem((4,), (3,), batch=None)
    assert not Supports("batched")(alone)
    assert not Supports("batch>=0")(alone)
    assert Supports("batch!=0")(alone)


def test_the_rules_of_both():
    both = Supports("symmetric") & Supports("groups=1")
    assert both.text == "symmetric, groups=1"
    assert (Supports() & Supports("groups=1")).text == "groups=1"
    assert not both(PLAIN)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("round", r"a rule must be one of symmetric, batched, or NAME=VALUE .*got 'round'"),
        ("seed=1", "got 'seed=1'"),
        ("groups", "got 'groups'"),
        ("groups=many", "groups must be compared with an int; got 'many'"),
        ("groups=stride", "groups must be compared with an int; got 'stride'"),
        ("stride<padding", "stride must be compared with an int or a parameter of the axis"),
    ],
)
def test_what_is_no_rule_is_refused_at_once(text, message):
    with pytest.raises(ValueError, match=f"^supports: .*{message}"):
        Supports(text)

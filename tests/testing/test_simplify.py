"""Simpler problems: the steps of a search for the minimal one, and the nearest supported one."""

from dataclasses import fields, replace

import pytest

from tconv.testing import Problem
from tconv.testing.problems import simplify
from tconv.testing.problems.simplify import minimal, nearest_supported, simpler

PROBLEM = Problem(
    (9,), (5,), stride=4, padding=((-3, 5),), output_padding=2, dilation=3, groups=4,
    in_channels=8, out_channels=12, batch=9, bias=True, memory="strided", spread=3, condition=10,
    seed=5,
)  # fmt: skip


def changes(problem, other):
    """The fields in which another problem differs, as it has them."""
    values = ((field.name, getattr(other, field.name)) for field in fields(problem))
    return {name: value for name, value in values if value != getattr(problem, name)}


def test_each_step_changes_one_respect_the_boldest_first():
    assert [changes(PROBLEM, candidate) for candidate in simpler(PROBLEM)] == [
        {"memory": "contiguous"},
        {"spread": 0, "condition": 1},
        {"bias": False},
        *({"batch": batch} for batch in (1, 2, 6, 8)),
        *(
            {"groups": groups, "in_channels": 2 * groups, "out_channels": 3 * groups}
            for groups in (1, 3)
        ),
        {"in_channels": 4},
        {"out_channels": 4},
        {"out_channels": 8},
        {"dilation": (1,)},
        {"dilation": (2,)},
        *({"stride": (stride,)} for stride in (1, 3)),
        *({"output_padding": (output_padding,)} for output_padding in (0, 1)),
        *({"padding": (pair,)} for pair in ((0, 0), (-3, -3), (-1, 2), (-2, 4), (-3, 4), (-2, 5))),
        *({"kernel_size": (taps,)} for taps in (1, 3, 4)),
        *({"input_size": (size,)} for size in (1, 5, 7, 8)),
        {"seed": 0},
    ]


@pytest.mark.parametrize(("batch", "smaller"), [(None, [1]), (0, []), (1, []), (2, [1])])
def test_no_batch_and_a_large_one_become_one_sample(batch, smaller):
    problem = Problem((1,), (1,), batch=batch)
    assert [candidate.batch for candidate in simpler(problem)] == smaller


def test_a_number_goes_down_to_the_least_by_halving_the_way_and_by_one():
    sizes = [candidate.input_size for candidate in simpler(Problem((50,), (1,)))]
    assert sizes == [(1,), (26,), (38,), (44,), (49,)]  # 50 - 49, and 49//2, 49//4, 49//8 and 1


@pytest.mark.parametrize(
    ("pair", "nearer"),
    [
        ((4, 0), [(0, 0), (0, 0), (2, 0), (3, 0), (3, 0)]),
        ((0, -4), [(0, 0), (0, 0), (0, -2), (0, -3), (0, -3)]),
        ((5, -4), [(0, 0), (-4, -4), (2, -2), (4, -3), (5, -3), (4, -4)]),
        ((2, 1), [(0, 0), (1, 1), (1, 0), (1, 0), (2, 0), (1, 1)]),
        ((1, 3), [(0, 0), (1, 1), (0, 1), (0, 2), (1, 2), (0, 3)]),
        ((3, -3), [(0, 0), (1, -1), (2, -2), (3, -2), (2, -3)]),
        ((-1, -1), [(0, 0), (0, 0), (0, 0), (-1, 0), (0, -1)]),
    ],
)
def test_padding_goes_to_zero_from_either_side(pair, nearer):
    problem = Problem((9,), (1,), padding=(pair,))
    found = [changes(problem, candidate).get("padding") for candidate in simpler(problem)]
    assert [padding[0] for padding in found if padding] == nearer


def test_an_axis_is_left_out_with_all_that_is_its_own():
    problem = Problem(
        (4, 5, 6), (3, 2, 1), stride=(2, 3, 4), padding=((1, 0), (2, 2), (0, -1)),
        output_padding=(1, 2, 3), dilation=(1, 2, 3), batch=2,
    )  # fmt: skip
    second, third = problem.axes[1:]
    first, middle, *_ = simpler(problem)
    assert (first.axes, middle.axes) == ((second, third), (problem.axes[0], third))
    assert first.batch == middle.batch == 2
    assert [each.axes for each in simpler(first)][:2] == [(third,), (second,)]
    assert [each.axes for each in simpler(Problem((2,), (1,)))] == [Problem((1,), (1,)).axes]


def test_a_search_ends_where_no_simpler_problem_fails():
    examined = []

    def never(candidate):
        examined.append(candidate)
        return False

    assert minimal(PROBLEM, never, lambda candidate: True) is PROBLEM
    assert examined == list(simpler(PROBLEM))


def test_a_search_ends_after_so_many_examinations():
    sizes, long = [], Problem((1000,), (1,))

    def fails(candidate):
        sizes.append(candidate.input_size[0])
        return sizes[-1] == long.input_size[0] - 1

    def allowed(candidate):
        return candidate.input_size[0] != 1

    # Of 1000 positions 501, 751, 876 and 999 are tried, and the last fails: four a round.
    def follow(candidate):
        nonlocal long
        found = fails(candidate)
        long = candidate if found else long
        return found

    assert minimal(long, follow, allowed) == Problem((900,), (1,))
    assert len(sizes) == 400
    assert 1 not in sizes


def test_a_search_ends_after_so_many_seconds(monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr(simplify.time, "monotonic", lambda: float(next(clock)))
    examined = []

    def never(candidate):
        examined.append(candidate)
        return False

    problem = Problem((300,) * 3, (100,) * 3, stride=50, batch=100)
    assert minimal(problem, never, lambda candidate: True) is problem
    assert len(examined) == 30


def seen_by(supports, problem):
    """What is found, and the changes that ``supports`` was asked about."""
    asked = []

    def noted(candidate):
        asked.append(changes(problem, candidate))
        return supports(candidate)

    return nearest_supported(problem, noted), asked


def test_what_is_supported_is_its_own_nearest():
    assert nearest_supported(PROBLEM, lambda candidate: True) is PROBLEM


def test_the_nearest_is_one_repair_away_or_the_first_few_together():
    problem = replace(PROBLEM, batch=None)
    alone = [
        {"memory": "contiguous"},
        {"batch": 1},
        {"padding": ((0, 0),)},
        {},
        {"output_padding": (0,)},
        {"groups": 1, "in_channels": 2, "out_channels": 3},
        {"dilation": (1,), "output_padding": (0,)},
        {"bias": False},
        {"spread": 0, "condition": 1},
        {"padding": ((0, 0),)},
        {},
        {"stride": (1,), "output_padding": (0,)},
    ]
    together, all_of_them = {}, []
    for step in alone:
        together = together | step
        all_of_them.append(together)
    found, asked = seen_by(lambda candidate: False, problem)
    assert found is None
    assert asked == [{}, *alone, *all_of_them]
    found, asked = seen_by(lambda candidate: candidate.stride == (1,), problem)
    assert changes(problem, found) == alone[-1]
    found, asked = seen_by(lambda p: p.dilation == (1,) and p.batch == 1, problem)
    assert changes(problem, found) == all_of_them[6]


def test_repairs_of_several_axes():
    problem = Problem((4, 5), (3, 2), stride=(2, 3), padding=((3, 1), (-2, 2)), dilation=(2, 7),
                      output_padding=(1, 6))  # fmt: skip
    _, asked = seen_by(lambda candidate: False, problem)
    assert {"padding": ((1, 1), (0, 0))} in asked
    assert {"output_padding": (1, 2)} in asked
    assert {
        "input_size": (4, 4), "kernel_size": (3, 3), "stride": (2, 2), "padding": ((3, 1),) * 2,
        "output_padding": (1, 1), "dilation": (2, 2),
    } in asked  # fmt: skip


def test_repairs_together_keep_what_those_before_repaired():
    problem = Problem((4, 4), (3, 2), stride=(2, 3), padding=((1, 0), (2, 2)), dilation=2)

    def square_and_plain(candidate):
        plain = Problem((4, 4), (3, 3), stride=2)
        return changes(plain, candidate) == {}

    assert nearest_supported(problem, square_and_plain) == Problem((4, 4), (3, 3), stride=2)


def test_a_repair_that_leaves_no_result_is_passed_over():
    problem = Problem((3,), (5,), padding=((1, 2),), kind="conv")
    found, asked = seen_by(lambda candidate: candidate.padding == ((0, 0),), problem)
    assert found is None
    assert {"padding": ((0, 0),)} not in asked

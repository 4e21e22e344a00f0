"""Problems: what follows from their fields, which ones a check tries, and simpler ones."""

from dataclasses import fields, replace

import numpy as np
import pytest

from tconv.testing import Problem
from tconv.testing.problems import selection, simplify
from tconv.testing.problems.corners import corner_problems
from tconv.testing.problems.large import large_problems
from tconv.testing.problems.selection import Selection
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

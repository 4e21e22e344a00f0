"""The checker is checked: every mutant is caught, every right implementation passes.

By default with one seed.  The full table, 20 seeds for the mutants and 100 for the right ones,
takes some three hours of one core:

    TCONV_PROFILE=deep python -m pytest tests/testing/test_wrong_and_right.py -s
"""

import os
import time

import numpy as np
import pytest

from tconv import conv, conv_transpose, conv_transpose_vjp, conv_vjp
from tconv.testing import Problem, check_conv_transpose
from tconv.testing.mutants import EQUIVALENT, KINDS, MUTANTS, Mutant, arithmetic, score
from tests.testing.right import RIGHT

DEEP = os.environ.get("TCONV_PROFILE") == "deep"
MUTANT_SEEDS = range(20) if DEEP else range(1)
RIGHT_SEEDS = range(100) if DEEP else range(1)
# Even the few programs of a JAX function take some twenty seconds.
WITH_LARGER = ("torch", "tconv numpy auto")
IN_EVERY_RUN = [name for name in RIGHT if "jax" not in name and name != "lax"]


def seconds_since(start):
    return f"{time.monotonic() - start:6.1f} s"


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_every_mutant_is_caught(kind):
    start = time.monotonic()
    found = score([mutant for mutant in MUTANTS if mutant.kind == kind], seeds=MUTANT_SEEDS)
    print(f"\n{kind:20} {found} {seconds_since(start)}")
    assert not found.missed
    assert found.rate == 1.0


def as_if_contiguous(values):
    """Of an array in Fortran's order."""
    return values.ravel("F").reshape(values.shape)


# name -> (what is wrong, the first of it by other means)
GRADIENTS = {
    "dy read as contiguous": (
        "dx dw db", lambda p, w, dy, _: conv(as_if_contiguous(dy), w, **p.partner_keywords),
    ),
    "dx without the stride of kernel 1": (
        "dx", lambda p, w, dy, _: conv(dy, w, **p.partner_keywords | {"stride": (1, 2)})[:, :, :3],
    ),
    "dx by a flipped kernel": (
        "dx", lambda p, w, dy, _: conv(dy, w[..., ::-1], **p.partner_keywords),
    ),
    "dx by a weight read as contiguous": (
        "dx", lambda p, w, dy, _: conv_transpose(dy, as_if_contiguous(w), **p.partner_keywords),
    ),
    "dw of the groups in another order": ("dw", lambda p, w, dy, dw: dw[[2, 3, 0, 1]]),
    "dw flipped": ("dw", lambda p, w, dy, dw: dw[..., ::-1]),
    "db averaged": ("db", lambda p, w, dy, db: db / 3),
    "dx zero": ("dx", lambda p, w, dy, dx: 0 * dx),
}  # fmt: skip


@pytest.mark.parametrize("mutant", [m for m in MUTANTS if "vjp" in m.kind], ids=lambda m: m.name)
def test_what_a_wrong_gradient_gives(mutant):
    """Each cotangent that is not named is right, and y is."""
    kind, function = "conv", conv_vjp
    if mutant.kind == "conv_transpose_vjp":
        kind, function = "conv_transpose", conv_transpose_vjp
    problem = Problem(
        (3, 5), (1, 3), stride=2, groups=2, in_channels=4, out_channels=6, batch=3, bias=True,
        dtype="float64", memory="fortran", kind=kind,
    )  # fmt: skip
    (x, w, b), dy = problem.arrays(), problem.cotangent()
    right, found = {}, {}
    for fn, results in ((function, right), (mutant.fn, found)):
        results["y"], pullback = fn(x, w, b, **problem.keywords)
        results |= zip(("dx", "dw", "db"), pullback(dy), strict=True)
    wrong, expected = GRADIENTS[mutant.name]
    assert [name for name in right if (found[name] != right[name]).any()] == wrong.split()
    first = wrong[:2]
    values = expected(problem, w, dy, right[first])
    np.testing.assert_allclose(found[first], values, rtol=0, atol=1e-12)


def test_tf32_has_11_digits():
    step = 2.0**-10
    values = np.array([1 + step, 1 + step / 2, 1 + step / 2 - 2.0**-23, -1 - 0.75 * step, 3e38, 0])
    x, one = values.astype(np.float32)[None, None], np.ones((1, 1, 1), np.float32)
    plain = {"stride": 1, "padding": 0}
    expected = np.array([1 + step, 1 + step, 1, -1 - step, 3e38, 0])
    found = arithmetic.tf32(x, one, **plain)[0, 0]
    np.testing.assert_array_equal(found[[0, 1, 2, 3, 5]], expected[[0, 1, 2, 3, 5]])
    assert abs(found[4] / 3e38 - 1) <= step / 2
    rounded = arithmetic.tf32(np.ones_like(one), x.reshape(1, -1, 1), **plain)
    np.testing.assert_array_equal(rounded[0, :, 0], found)
    assert not (found.view(np.uint32) & 0x1FFF).any()


def test_what_changes_no_result_is_accepted():
    found = score(EQUIVALENT, seeds=MUTANT_SEEDS, profile="default" if DEEP else "quick")
    assert not found.caught
    assert found.rate == 0.0


def test_the_mutants_are_many_and_have_each_a_name_and_a_sentence():
    assert len({(mutant.name, mutant.kind) for mutant in MUTANTS}) == len(MUTANTS) >= 100
    for mutant in (*MUTANTS, *EQUIVALENT):
        assert mutant.kind in KINDS
        assert mutant.mistake.endswith(".")
        assert "_" not in mutant.name
        for report in filter(None, mutant.source.split(", ")):
            repository, _, number = report.partition("#")
            assert repository.count("/") == 1
            assert number.isdigit()
    assert sum(bool(mutant.source) for mutant in MUTANTS) >= 40


def test_a_mutant_outside_of_what_is_supported_is_missed():
    grouped = [mutant for mutant in MUTANTS if mutant.name == "last group reversed"]
    found = score(grouped, profile="table", ndim=1, supports=lambda p: p.groups == 1)
    assert [outcome.mutant for outcome in found.missed] == grouped
    assert (found.missed[0].problems, str(found)) == (27, "0 of 1 caught (0.0 %)")


def test_a_score_needs_mutants_and_seeds():
    for arguments in (([], (0,)), (MUTANTS, ())):
        with pytest.raises(ValueError, match="mutants, seeds: there must be one at least"):
            score(arguments[0], seeds=arguments[1])


def test_a_mutant_is_a_value():
    with pytest.raises(AttributeError):
        MUTANTS[0].name = "another"
    assert isinstance(MUTANTS[0], Mutant)


@pytest.mark.parametrize("name", RIGHT if DEEP else IN_EVERY_RUN)
def test_right_passes(name):
    function, options = RIGHT[name]
    start, problems = time.monotonic(), 0
    for seed in RIGHT_SEEDS:
        profile = "default" if DEEP or name in WITH_LARGER else "quick"
        problems += check_conv_transpose(function, seed=seed, profile=profile, **options).problems
    seeds = len(RIGHT_SEEDS)
    print(f"\n{name:40} passed {seeds}/{seeds} {problems} problems {seconds_since(start)}")

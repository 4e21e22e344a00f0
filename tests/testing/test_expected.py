"""What is expected of a result, and how far from it rounding may lead, number by number."""

import numpy as np
import pytest

from tconv.testing import Problem, error_bound
from tconv.testing.expected import Expected, cotangent_lengths, widened, wrapped


def test_what_is_allowed():
    value, scale = np.array([3.0, -1.0]), np.array([5.0, 7.0])
    expected = Expected(value, scale, 4, "float16")
    np.testing.assert_array_equal(
        expected.allowed(None, None), error_bound("float16", 4, scale, np.abs(value))
    )
    twice = expected.allowed(None, None, 2.0)
    np.testing.assert_array_equal(twice, 2 * error_bound("float16", 4, scale, scale))
    np.testing.assert_array_equal(expected.allowed(0.5, 0.25), 0.5 + 0.25 * scale)
    np.testing.assert_array_equal(expected.allowed(0.5, 0.25, 3.0), 3 * (0.5 + 0.25 * scale))
    np.testing.assert_array_equal(expected.allowed(None, 0.25), 0.25 * scale)
    np.testing.assert_array_equal(expected.allowed(0.5, None), [0.5, 0.5])


def test_what_is_wrong():
    expected = Expected(np.array([1.0, 1.0, 1.0, 1.0]), np.ones(4), 1, "float64")
    got = np.array([1.5, 0.5, np.nextafter(1.5, 2), np.nan])
    assert expected.wrong(got, 0.5, None).tolist() == [False, False, True, True]
    exact = Expected(np.array([127, 128, 129], object), np.ones(3), 1, "int8")
    assert exact.wrong(np.array([127, -128, 127], np.int8), None, None).tolist() == [
        False, False, True,
    ]  # fmt: skip


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int32", "uint64"])
def test_wrapped_integers_are_those_of_numpy(dtype):
    bits, kind = np.iinfo(dtype).bits, np.dtype(dtype)
    exact = [-(2**bits) - 1, -1, 0, 2 ** (bits - 1) - 1, 2 ** (bits - 1), 2**bits + 5]
    modulo = [value % 2**bits for value in exact]
    below = 2 ** (bits - 1) if kind.kind == "i" else 2**bits
    expected = [value if value < below else value - 2**bits for value in modulo]
    found = wrapped(np.array(exact, object).reshape(2, 3), dtype)
    assert found.dtype == kind
    assert found.ravel().tolist() == expected


@pytest.mark.parametrize("batch", [None, 3])
def test_terms_of_the_cotangents(batch):
    samples = batch or 1
    problem = Problem(
        (4, 5), (3, 2), stride=2, groups=2, in_channels=4, out_channels=6, batch=batch
    )
    # y is (3 * 2 + 3) by (4 * 2 + 2); each dx sums 3 channels and 6 taps
    assert cotangent_lengths(problem) == {"dx": 18, "dw": samples * 20, "db": samples * 90}
    problem = Problem(
        (9, 10), (3, 2), stride=2, groups=2, in_channels=4, out_channels=6, batch=batch,
        kind="conv",
    )  # fmt: skip
    assert cotangent_lengths(problem) == {"dx": 18, "dw": samples * 20, "db": samples * 20}


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.array([2**53 + 1]), "O"),
        (np.array([2**63 + 1], np.uint64), "O"),
        (np.array([2**70 + 1], object), "O"),
        (np.array([1 / 3], np.float32), "f"),
        (np.array([1 / 3 + 2j], np.complex64), "c"),
    ],
)
def test_values_are_widened_without_a_change(values, kind):
    wide = widened(values)
    assert wide.dtype.kind == kind
    assert wide.dtype.itemsize == (16 if kind == "c" else 8)
    assert wide[0] == values.tolist()[0]

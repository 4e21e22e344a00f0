"""The rules of dtypes by themselves: kinds, sums, preferred types, biases."""

from __future__ import annotations

from itertools import product

import ml_dtypes
import numpy as np
import pytest

from tconv._core.dtypes import (
    SUPPORTED,
    accumulator,
    check_bias,
    check_real,
    check_supported,
    kind,
    named_dtype,
)
from tconv._core.dtypes import preferred_dtype as preferred

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
DTYPES = [np.dtype(name) for name in sorted(SUPPORTED - {"bfloat16"})] + [BFLOAT16]
ORDER = "uifc"


def accepts(function, *arguments):
    try:
        function(*arguments)
    except TypeError:
        return False
    return True


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_only_the_half_kinds_are_summed_in_another_dtype(dtype):
    half = dtype.name in ("float16", "bfloat16")
    assert accumulator(dtype) == (np.float32 if half else dtype)
    assert kind(dtype) == ("f" if half else dtype.kind)
    check_supported("x", dtype)


@pytest.mark.parametrize("name", ["bool", "object", "longdouble", "datetime64[s]", "U1", "V2"])
def test_other_dtypes_are_refused(name):
    with pytest.raises(TypeError, match=r"^x: dtype must be .*; got .*\. Convert"):
        check_supported("x", np.dtype(name))


def test_a_preferred_dtype_has_the_kind_and_is_no_narrower():
    for result, wanted in product(DTYPES, DTYPES):
        fits = kind(result) == kind(wanted) and wanted.itemsize >= result.itemsize
        assert accepts(preferred, result, wanted) == fits, (result, wanted)
        if fits:
            assert preferred(result, wanted) == wanted


def test_a_bias_has_a_kind_that_the_result_can_hold():
    for result, bias in product(DTYPES, DTYPES):
        fits = ORDER.index(kind(bias)) <= ORDER.index(kind(result))
        assert accepts(check_bias, result, bias) == fits, (result, bias)


def test_an_argument_that_names_a_dtype():
    for given in ("float32", np.float32, ">f4", "<f4"):
        assert named_dtype("dtype", given) == np.float32
        assert named_dtype("dtype", given).isnative
    assert named_dtype("dtype", ml_dtypes.bfloat16) == BFLOAT16
    with pytest.raises(TypeError, match=r"^dtype: must be a dtype or name one; got 'float33'\. W"):
        named_dtype("dtype", "float33")
    with pytest.raises(TypeError, match=r"^dtype: dtype must be a float"):
        named_dtype("dtype", bool)


def test_only_a_complex_dtype_holds_complex_numbers():
    for given, dtype in product(DTYPES, DTYPES):
        fits = given.kind != "c" or dtype.kind == "c"
        assert accepts(check_real, "x", given, dtype) == fits, (given, dtype)

"""The adapters of the example are correct, and one that is not is reported."""

import os
import sys

import numpy as np
import pytest
import verify_your_own

DEEP = os.environ.get("TCONV_PROFILE") == "deep"
# A compilation for each problem takes its time: only every third row of the table is tried, and
# of the interpreted kernel every ninth; the profile ``deep`` has the whole table.
EVERY = {"pallas": 9}
LONG = [pytest.param(name, marks=pytest.mark.long) for name in EVERY]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(n, marks=pytest.mark.long if n in EVERY else ())
        for n in verify_your_own.ADAPTERS
    ],
)
def test_the_adapter_is_correct(name, capsys):
    pytest.importorskip(verify_your_own.PACKAGES.get(name, name), reason="the adapter's library")
    offers = verify_your_own.ADAPTERS[name][1]["supports"]
    every = 1 if DEEP else EVERY.get(name, 3)

    def tried(problem):
        return offers(problem) and problem.seed % every == 0  # the seed is the number of the row

    assert verify_your_own.verify(name, ndim=1, profile="table", supports=tried)
    assert f"{name:12} correct on" in capsys.readouterr().out


def test_the_groups_of_the_adapters_are_not_all_one():
    """What an adapter is asked follows from ``supports``: see that it is not narrower than said."""
    from tconv.testing import Problem

    grouped = Problem((3,), (2,), groups=2, in_channels=2, out_channels=4)
    offers = {name: options["supports"](grouped) for name, (_, options) in
              verify_your_own.ADAPTERS.items()}  # fmt: skip
    assert offers == {
        "torch": True, "jax": False, "flax": False, "equinox": True, "onnxruntime": True,
        "pallas": False,
    }  # fmt: skip


def test_a_wrong_one_is_reported(monkeypatch, capsys):
    def flipped(x, w, b=None, **keywords):
        return verify_your_own.with_torch(x, np.flip(w, -1), b, **keywords)

    pytest.importorskip("torch")
    options = verify_your_own.ADAPTERS["torch"][1]
    monkeypatch.setitem(verify_your_own.ADAPTERS, "torch", (flipped, options))
    assert not verify_your_own.verify("torch", ndim=1, profile="table")
    assert "kernel is flipped on" in capsys.readouterr().out


def test_what_is_not_installed_is_passed_over(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert verify_your_own.verify("torch")
    assert "not installed, passed over" in capsys.readouterr().out


@pytest.mark.long
def test_the_kernel_that_leaves_a_rest_out_is_reported(capsys):
    pytest.importorskip(verify_your_own.PALLAS)
    plain = verify_your_own.WRONG["pallas_rest"][1]["supports"]

    def tiled(problem):
        return plain(problem) and problem.out_channels > 5 and problem.work < 5_000

    assert not verify_your_own.verify("pallas_rest", supports=tiled, max_examples=3)
    told = capsys.readouterr().out
    assert "with_pallas_rest is not a correct transposed convolution" in told
    assert "It fails from out_channels of a group 9 on: with 8 it holds" in told

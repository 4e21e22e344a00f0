"""The table of ``python -m tconv plan``, to the letter, and what is timed for it."""

from __future__ import annotations

import numpy as np
import pytest

import tconv
from tconv.__main__ import main
from tconv._core.cost import Counts, Rates
from tconv._core.plan import conv_transpose_call
from tconv.testing.commands import plan as command

PROBLEM = ["--input", "2,4,6", "--weight", "4,3,5", "--stride", "3", "--padding", "2"]
OTHERS = ["--output-padding", "1", "--dilation", "2", "--groups", "2"]


class Backend:
    """Two forms with counts and times of their own."""

    rates = Rates(products=1, convolved=0, added=0, moved=10, runs=0, kept=0, calls=1_000)
    seconds = 0.0

    def forms(self, result, plan):
        found = {"plain": Counts(products=1_234_567, calls=2)}
        if result != "w":
            found["by the columns"] = Counts(products=4_000, moved=250, calls=13)
        return "plain" if result == "w" else "by the columns", found

    def call(self, result, plan, form):
        # The first call is left out; the median of the five that follow is the third.
        steps = iter([100, 0.5, 0.1, 0.4, 0.2, 0.3])

        def compute():
            Backend.seconds += next(steps) * len(form) / len("plain")

        return compute


@pytest.fixture
def backend(monkeypatch):
    monkeypatch.setattr(command, "_BACKENDS", {"numpy": Backend})
    monkeypatch.setattr(command, "perf_counter", lambda: Backend.seconds)


ESTIMATED = """\
x (2, 4, 6), w (4, 3, 5), y (2, 6, 21), float32, numpy

conv_transpose, y from x and w: by the columns
form              products  moved  calls  estimated ms
  plain           1.23e+06      0      2          1.24
* by the columns     4e+03    250     13        0.0195

x from y and w: by the columns
form              products  moved  calls  estimated ms
  plain           1.23e+06      0      2          1.24
* by the columns     4e+03    250     13        0.0195

w from x and y: plain
form     products  calls  estimated ms
* plain  1.23e+06      2          1.24
"""


def test_estimates(backend, capsys):
    assert main(["plan", *PROBLEM, *OTHERS, "--no-times"]) == 0
    assert capsys.readouterr().out == ESTIMATED


def test_times_are_the_medians_of_five_calls(backend, capsys):
    assert main(["plan", *PROBLEM, *OTHERS]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[3:6] == [
        "form              products  moved  calls  estimated ms  measured ms",
        "  plain           1.23e+06      0      2          1.24          300",
        "* by the columns     4e+03    250     13        0.0195          840",
    ]
    assert lines[-1] == "* plain  1.23e+06      2          1.24          300"


def test_without_the_other_parameters(backend, capsys):
    assert main(["plan", "--input", "2,4,6", "--weight", "4,3,5", "--no-times"]) == 0
    assert capsys.readouterr().out.startswith("x (2, 4, 6), w (4, 3, 5), y (2, 3, 10), float32")


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_what_is_timed_is_the_form_on_arrays_of_ones(backend):
    plan = conv_transpose_call((1, 4, 5), (4, 2, 3), stride=2, padding=1).plan
    x, w = np.ones(plan.x_shape, np.float32), np.ones(plan.w_shape, np.float32)
    y, pullback = tconv.conv_transpose_vjp(x, w, stride=2, padding=1)
    gradients = dict(zip("xw", pullback(np.ones_like(y))[:2], strict=True))
    with_forms = command._BACKENDS[backend]()
    for result in command.MAPS:
        chosen, candidates = with_forms.forms(result, plan)
        assert chosen in candidates
        found = with_forms.call(result, plan, chosen)()
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, y if result == "y" else gradients[result], rtol=1e-6)


@pytest.mark.parametrize(("name", "platform"), [("cpu", "cpu"), ("gpu", "cuda"), ("tpu", "tpu")])
def test_the_forms_are_those_of_jax_s_platform(monkeypatch, name, platform):
    backend = command._JAX()
    monkeypatch.setattr(backend._jax, "default_backend", lambda: name)
    assert command._JAX()._platform == platform

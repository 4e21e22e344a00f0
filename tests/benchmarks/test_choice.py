"""The choice among forms, measured: on forms made up here, then on those of the library."""

import json
import re
import sys
from dataclasses import replace
from time import sleep
from types import SimpleNamespace

import numpy as np
import pytest

import tconv
from benchmarks import __main__ as command
from benchmarks import layers, report, timing
from benchmarks.choice import command as choice
from benchmarks.choice import load, measure_choice, rates
from benchmarks.layers import Layer
from benchmarks.task import OPERANDS
from benchmarks.timing import FEWEST_TURNS, Timing
from tconv._numpy.forms import FORMS
from tconv.testing import Problem

TINY = Problem((4, 5), (4, 4), 2, 1, in_channels=4, out_channels=6, groups=2, batch=2)
ALL = ("y", "x", "w")


@pytest.fixture(autouse=True)
def unhurried(monkeypatch, tmp_path):
    """Times that nobody reads are taken without waiting, and without asking what was stolen."""
    monkeypatch.setattr(timing, "STATISTICS", tmp_path / "none")
    monkeypatch.setattr(timing, "sleep", lambda seconds: None)


def right(result, plan, first, second):
    """One of the three maps, by the library's own functions."""
    keywords = TINY.keywords
    if result == "y":
        return tconv.conv_transpose(first, second, **keywords)
    x, w, y = (np.zeros(shape, "float32") for shape in (plan.x_shape, plan.w_shape, plan.y_shape))
    given = zip(OPERANDS[result], (first, second), strict=True)
    named = {"x": x, "w": w, "y": y, **dict(given)}
    _, pullback = tconv.conv_transpose_vjp(named["x"], named["w"], **keywords)
    return pullback(named["y"])["xw".index(result)]


@pytest.fixture
def made_up(monkeypatch):
    """Three forms that differ in how long they wait, of which the middle one is chosen."""
    waits = {"fast": 0.001, "middling": 0.004, "hopeless": 0.15}
    made = []

    def prepare(result, plan, form, first, second):
        answer = right(result, plan, first, second)

        def call():
            made.append(form)
            sleep(waits[form])
            return answer

        return call, 0.5

    forms = SimpleNamespace(
        LAYOUTS=("NCHW",),
        NOTE="made up",
        names=lambda result, plan: tuple(waits),
        chosen=lambda result, plan: "middling",
        prepare=prepare,
        array=lambda result, plan, out: out,
        versions=lambda: {"tconv": "0"},
        waits=waits,
        made=made,
    )
    monkeypatch.setitem(sys.modules, "benchmarks.choice.numpy_forms", forms)
    monkeypatch.setattr(
        layers,
        "load",
        lambda which, sets=(): [Layer("tiny", "a test", TINY)] if which != "others" else [],
    )
    return forms


@pytest.mark.parametrize("result", ALL)
def test_regret_is_over_the_fastest(made_up, result):
    row = measure_choice(TINY, result, "numpy", seconds=0)
    assert (row.chosen, row.fastest) == ("middling", "fast")
    assert row.regret == row.timings["middling"].median / row.timings["fast"].median > 1
    assert row.timings["fast"].calls >= FEWEST_TURNS


def test_a_hopeless_form_is_timed_by_its_first_calls(made_up):
    row = measure_choice(TINY, "y", "numpy", seconds=0)
    assert row.timings["hopeless"].calls == 1
    assert made_up.made.count("hopeless") == 2  # the answer, and again without what is new


def test_a_wrong_form_stops_the_run(made_up):
    def prepare(result, plan, form, first, second):
        return lambda: right(result, plan, first, second) + (form == "middling"), 0.0

    made_up.prepare = prepare
    with pytest.raises(SystemExit, match="middling and fast differ by 1"):
        measure_choice(TINY, "y", "numpy", seconds=0)


def test_a_form_that_does_not_apply_cannot_be_chosen(made_up):
    made_up.chosen = lambda result, plan: "unknown"
    with pytest.raises(SystemExit, match="'unknown' is chosen for y; there are fast, middling"):
        measure_choice(TINY, "y", "numpy", seconds=0)


def test_a_run_goes_on_where_it_was_broken_off(made_up, tmp_path, capsys):
    """Rows of the file are kept, with the choice of today, until there is a form without a time."""
    path, readme = tmp_path / "rows.json", tmp_path / "README.md"
    readme.write_text("<!-- benchmark:choice:numpy -->\n<!-- /benchmark -->\n")
    options = ["choice", "--seconds", "0", "--json", str(path), "--readme", str(readme)]
    command.main(options)
    assert [line.split()[2] for line in capsys.readouterr().err.splitlines()] == ["y:", "x:", "w:"]
    rows = load(path)
    assert [(row.name, row.problem, row.result) for row in rows] == [
        ("tiny", TINY, result) for result in ALL
    ]
    assert set(json.loads(path.read_text())["rows"][0]) == {
        "layer", "problem", "map", "backend", "layout", "chosen", "seconds", "compile_seconds",
        "machine", "versions",
    }  # fmt: skip
    table = report.table_in(readme, "choice:numpy")
    assert [line["gives"] for line in table] == list(ALL)
    assert "middling" in readme.read_text()

    made_up.made.clear()
    path.write_text(json.dumps({"rows": json.loads(path.read_text())["rows"][:2]}))
    made_up.chosen = lambda result, plan: "fast"
    command.main(options)
    assert [line.split()[2] for line in capsys.readouterr().err.splitlines()] == ["w:"]
    assert made_up.made
    assert {row.chosen for row in load(path)} == {"fast"}
    assert [row.timings for row in load(path)][:2] == [row.timings for row in rows][:2]

    made_up.waits["new"] = 0.0
    command.main(options)
    assert len(capsys.readouterr().err.splitlines()) == len(ALL)
    assert all("new" in row.timings for row in load(path))


def test_means_are_taken_by_map_and_set(made_up, monkeypatch):
    row = measure_choice(TINY, "y", "numpy", seconds=0, name="tiny")
    other = replace(TINY, batch=3)
    sets = {"layers": [TINY], "others": [other, replace(TINY, batch=4)]}
    monkeypatch.setattr(
        layers, "load", lambda which: [Layer("", "", problem) for problem in sets[which]]
    )
    times = {"fast": 1.0, "middling": 4.0}
    timings = {form: Timing(time, time, time, 9, 0) for form, time in times.items()}
    rows = [
        replace(row, timings=timings, problem=TINY),
        replace(row, timings=timings, problem=other, name="worst"),
        replace(row, timings=timings, problem=sets["others"][1], chosen="fast"),
    ]
    _, *lines = choice.means(rows)
    assert [line[:5] for line in lines] == [
        ["layers", "y", "1", "4.000", "4.00"],
        ["others", "y", "2", "2.000", "4.00"],
    ]
    assert lines[1][5:] == ["worst: middling beside fast", "0.50, 0.50"]


def test_numpy_has_one_layout():
    with pytest.raises(SystemExit, match="numpy has NCHW alone"):
        command.main(["choice", "--layout", "NHWC"])


@pytest.mark.parametrize("result", ALL)
def test_the_forms_of_numpy_agree(result):
    row = measure_choice(TINY, result, "numpy", seconds=0)
    assert row.chosen in row.timings
    assert set(row.timings) <= set(FORMS[result])


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("result", ALL)
def test_the_forms_of_jax_agree(result, layout):
    row = measure_choice(TINY, result, "jax", layout=layout, seconds=0)
    assert row.chosen in row.timings
    assert all(seconds > 0 for seconds in row.compile_seconds.values())


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_rates_are_fitted_to_generated_problems(backend, capsys, monkeypatch):
    monkeypatch.setattr(rates, "generated", lambda rng, count: [TINY, replace(TINY, batch=3)])
    command.main(["rates", "--backend", backend, "--seconds", "0"])
    printed = capsys.readouterr().out
    assert re.match(r"products=[\d.e-]+, convolved=", printed)
    assert re.search(r"mean \d+\.\d+, worst \d", printed)


def test_generated_problems_are_the_same_for_a_seed_and_none_of_a_table():
    first, again = (list(rates.generated(np.random.default_rng(3), 12)) for _ in range(2))
    assert first == again
    assert len(set(first)) == 12
    assert not set(first) & {layer.problem for layer in layers.load("all")}

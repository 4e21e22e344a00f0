"""What goes to the page, and the command."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from html import unescape

import numpy as np
import pytest

import tconv
from tconv.__main__ import main
from tconv.explanation import Explanation
from tconv.explanation.command import _padding

PROBLEM = ["explain", "--input", "4,4", "--kernel", "4,4", "--stride", "2", "--padding", "1"]


def test_data_are_plain_values_in_canonical_order():
    x, w = np.arange(12).reshape(2, 3, 2), np.arange(8).reshape(2, 2, 1, 2)
    explanation = tconv.explain(
        x, w, np.array([5]), stride=(1, 2), padding=((0, 1), (-1, 0)), output_padding=(0, 1),
        dimension_numbers=("HWC", "HWOI", "CHW"),
    )  # fmt: skip
    found = json.loads(json.dumps(explanation.data()))
    assert found["parameters"] == {
        "input_size": [2, 3], "kernel_size": [2, 2], "stride": [1, 2],
        "padding": [[0, 1], [-1, 0]], "output_padding": [0, 1], "dilation": [1, 1], "groups": 1,
        "in_channels": 2, "out_channels": 1, "batch": None, "axes": 2,
    }  # fmt: skip
    assert found["x"] == x.transpose(2, 0, 1).tolist()
    assert found["w"] == w.transpose(3, 2, 0, 1).tolist()
    assert found["b"] == [5]
    assert found["y"] == explanation.y.tolist()
    assert found["dtype"] == "int64"


def test_letters_have_no_data():
    found = tconv.explain.sizes(3, 2).data()
    assert [found[name] for name in "xwby"] == [None] * 4
    assert found["parameters"]["batch"] == 1


def test_complex_arrays_have_no_page():
    x = np.ones((1, 1, 2), complex)
    with pytest.raises(TypeError, match=r"x, w: the page shows real numbers; got .*complex128"):
        tconv.explain(x, x).html()
    assert tconv.explain(x, x)._repr_html_() is None


def test_a_notebook_shows_the_page_of_up_to_5000_elements_of_x_and_w(monkeypatch):
    monkeypatch.setattr(Explanation, "html", lambda explanation: "<page>")
    w = np.ones((1, 1, 1000))
    largest, larger = (tconv.explain(np.ones((1, 1, n)), w) for n in (4000, 4001))
    assert largest._repr_html_().startswith('<iframe srcdoc="&lt;page&gt;" title="&lt;tconv.Expl')
    assert larger._repr_html_() is None
    assert tconv.explain.sizes(6000, 2)._repr_html_() is None


def test_nothing_is_loaded_before_it_is_asked_for():
    code = (
        "import sys, tconv\n"
        "assert 'explain' in dir(tconv)\n"
        "print('tconv.explanation' in sys.modules)\n"
        "print(tconv.explain.sizes(2, 2).text(1))\n"
        "print('matplotlib' in sys.modules, 'tqdm' in sys.modules)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, *_, last = run.stdout.splitlines()
    assert (first, last) == ("False", "False False")


def test_the_callable_has_the_signature_of_the_function():
    parameters = inspect.signature(tconv.explain).parameters
    whole = inspect.signature(tconv.conv_transpose).parameters
    assert list(parameters) == [
        name
        for name in whole
        if name not in ("padding_mode", "method", "precision", "preferred_element_type")
    ]
    for name, parameter in parameters.items():
        assert parameter.default == whole[name].default
        assert parameter.kind == whole[name].kind


def test_the_page_is_written_and_framed_for_notebooks(tmp_path):
    explanation = tconv.explain(np.array([[[2.0, np.nan]]]), np.array([[[1.0, 2.0]]]))
    document = explanation.html(tmp_path / "page.html")
    assert document.lstrip().lower().startswith("<!doctype html>")
    assert (tmp_path / "page.html").read_text("utf-8") == document
    frame = explanation._repr_html_()
    (inside,) = re.findall(r'^<iframe srcdoc="([^"]*)" title=', frame)
    assert unescape(inside) == document
    assert len(frame.encode()) < 200_000


def test_the_command_writes_the_page(tmp_path, capsys):
    path = tmp_path / "page.html"
    assert main([*PROBLEM, "--html", str(path)]) == 0
    assert path.read_text("utf-8") == tconv.explain.sizes((4, 4), 4, stride=2, padding=1).html()
    assert capsys.readouterr().out == f"written to {path}\n"


def test_the_command_prints_the_text(capsys):
    assert main(PROBLEM) == 0
    assert capsys.readouterr().out == f"{tconv.explain.sizes((4, 4), 4, stride=2, padding=1)}\n"
    assert main([*PROBLEM, "--text", "--index", "0,1"]) == 0
    assert "y[0, 1] = x[0, 0]*w[1, 2] + x[0, 1]*w[1, 0] = a*w6 + b*w4\n" in capsys.readouterr().out


def test_the_command_writes_pictures(tmp_path, capsys):
    png, gif = tmp_path / "a.png", tmp_path / "a.gif"
    small = ["explain", "--input", "2", "--kernel", "3", "--padding=1:0"]
    assert main([*small, "--plot", str(png), "--gif", str(gif), "--view", "collection"]) == 0
    assert png.read_bytes()[:4] == b"\x89PNG"
    assert gif.read_bytes()[:6] == b"GIF89a"
    assert capsys.readouterr().out == f"written to {png}\nwritten to {gif}\n"


def test_padding_of_the_command():
    for text, padding in {"same": "same", "1": 1, "1,2": (1, 2), "1:0,2": ((1, 0), 2)}.items():
        parsed = _padding(text)
        wanted = tconv.explain.sizes((4, 4), 4, stride=2, padding=padding)
        assert tconv.explain.sizes((4, 4), 4, stride=2, padding=parsed).padding == wanted.padding


def test_what_is_no_problem_is_refused(capsys):
    assert main(["explain", "--input", "1", "--kernel", "2", "--padding", "3"]) == 2
    assert "tconv explain: output size, spatial axis 0:" in capsys.readouterr().out
    assert main([*PROBLEM, "--gif", "a.gif", "--view", "matrix"]) == 2
    assert "tconv explain: view: must be one of" in capsys.readouterr().out

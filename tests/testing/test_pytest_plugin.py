"""The pytest plugin, run by pytest on a file of a user's."""

import subprocess
import sys
from pathlib import Path

import pytest

import tconv

pytest_plugins = "pytester"

ROOT = str(Path(tconv.__file__).parents[1])
FILE = """
import numpy as np
import pytest
import tconv


@pytest.fixture
def method():
    return "col2im"


@pytest.mark.tconv(ndim=1, supports="symmetric, groups=1", adjoint=tconv.conv)
def test_right(method):
    def upsample(x, w, b=None, *, stride, padding, output_padding, dilation, groups):
        return tconv.conv_transpose(
            x, w, b, stride=stride, padding=padding, output_padding=output_padding,
            dilation=dilation, method=method,
        )
    return upsample


@pytest.mark.tconv(ndim=1, profile="table")
def test_flipped():
    def upsample(x, w, b=None, **keywords):
        return tconv.conv_transpose(x, np.flip(w, -1), b, **keywords)
    return upsample


def test_unmarked():
    pass
"""


@pytest.fixture
def run(pytester, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", ROOT)

    def run(*arguments, code=FILE):
        pytester.makepyfile(test_user=code)
        return pytester.runpytest_inprocess(
            "-p", "pytest_tconv", "-p", "no:cacheprovider", "--strict-markers", *arguments
        )

    return run


def test_one_test_a_corner_and_one_a_batch(run):
    result = run("--collect-only", "-q", "-k", "test_right", "--tconv-profile", "quick")
    names = [line.partition("[")[2].rstrip("]") for line in result.outlines if "[" in line]
    assert names[:2] == ["1d-kernel-4-stride-2-padding-1", "1d-kernel-3-stride-2-output-padding"]
    assert names[27:] == ["generated-1", "generated-2", "generated-3"]
    assert len(set(names)) == 30


def test_right_passes_and_what_supports_refuses_is_passed_over(run):
    result = run("-k", "test_right", "--tconv-profile", "table")
    result.assert_outcomes(passed=27, deselected=28)
    code = FILE.replace("symmetric, groups=1", "batch=0, symmetric")
    result = run("-k", "test_right", "--tconv-profile", "table", code=code)
    outcomes = result.parseoutcomes()
    assert outcomes["skipped"] + outcomes.get("passed", 0) == 27


def test_one_corner_is_selected_and_its_failure_is_the_report(run):
    result = run("-k", "test_flipped and kernel-4-stride-2")
    assert result.parseoutcomes()["failed"] == 1
    text = result.stdout.str()
    assert "is not a correct transposed convolution: values" in text
    assert "The kernel is flipped" in text
    assert "To reproduce:" in text
    assert "raise CheckFailure" not in text


def test_the_seed_is_that_of_the_command_line(run):
    result = run("-k", "test_flipped and 1d-plain", "--tconv-seed", "7")
    assert "seed 7" in result.stdout.str()


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        ("supports='foo=1'", "supports: a rule must be one of"),
        ("profile='days'", "profile: must be one of"),
        ("kind='deconv'", "kind: must be one of"),
        ("batch=0", "batch: must be at least 1"),
        ("colour=1", "unexpected keyword argument 'colour'"),
    ],
)
def test_a_wrong_mark_is_an_error_that_says_so(run, mark, message):
    code = f"import pytest\n\n@pytest.mark.tconv({mark})\ndef test_it():\n    return len\n"
    result = run(code=code)
    assert result.parseoutcomes() == {"errors": 1}
    printed = result.stdout.str()
    assert "test_user.py::test_it: mark tconv: " in printed
    assert message in printed
    assert "Traceback" not in printed
    assert "pytest_tconv.py" not in printed


def test_a_function_that_returns_none_is_told_so(run):
    code = "import pytest\n\n@pytest.mark.tconv(ndim=1)\ndef test_it():\n    pass\n"
    result = run("-k", "1d-plain", code=code)
    assert "test_it must return the function to check; it returned None" in result.stdout.str()


def test_a_run_without_marks_imports_nothing(tmp_path):
    """Not NumPy, which ``import tconv`` brings, nor what the kit uses."""
    (tmp_path / "test_none.py").write_text(
        "import sys\n\ndef test_it():\n"
        "    loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "    assert not loaded & {'numpy', 'tconv', 'jax'}\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "pytest_tconv", "-p", "no:cacheprovider"]
    result = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": ROOT, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout

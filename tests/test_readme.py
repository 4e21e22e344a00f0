"""The README's Python runs as written, its error texts are the library's, its tables are those of
the benchmarks, and every link in a README leads somewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

import tconv
from benchmarks import layers, report, roofline, summary
from tconv.testing import CheckFailure

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
OTHERS = [
    ROOT / "benchmarks" / "README.md",
    ROOT / "benchmarks" / "drawn.md",
    ROOT / "examples" / "README.md",
]
SNIPPETS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
ERRORS = re.findall(r"^(?:ValueError|TypeError): .*$", README, flags=re.MULTILINE)


def test_the_first_block_is_two_set_up_lines():
    first = re.search(r"```\n(.*?)```", README, flags=re.DOTALL).group(1)
    demo, tests = first.splitlines()
    assert demo.endswith("examples/quickstart.py")
    assert tests.endswith("pytest -n auto")


def test_it_is_short():
    assert len(README.encode()) <= 14_500


def test_snippets_run_in_order(capsys):
    names = run(SNIPPETS)
    said = capsys.readouterr().out.splitlines()[0]
    assert f"\n# {said}\n" in SNIPPETS[1]
    assert names["dx"].shape == names["x"].shape
    assert names["y"].shape == (8, 32, 32, 32)
    assert len(SNIPPETS) == 5


def test_the_command_reports_what_the_text_shows(tmp_path):
    shown = re.search(r"```\n\$ (.*?)\n(.*?)```", README, flags=re.DOTALL)
    command, report = shown.group(1), shown.group(2).splitlines()
    wrong = SNIPPETS[-1].replace("np.flip(w, (2, 3))", "w").partition("# XLA")[0]
    (tmp_path / "ports.py").write_text(wrong)
    found = subprocess.run(
        [sys.executable, *command.split()[1:]],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert found.returncode == 1
    said = found.stdout.splitlines()
    for line in report:
        assert line == "..." or line in said, line


def run(snippets):
    """As a user has JAX: the tests' strict modes off."""
    names: dict[str, object] = {}
    with jax.enable_x64(False), jax.numpy_rank_promotion("allow"):
        for snippet in snippets:
            exec(compile(snippet, "README.md", "exec"), names)
    return names


def test_verifying_finds_the_flip_that_the_text_says():
    wrong = SNIPPETS[-1].replace("np.flip(w, (2, 3))", "w")
    assert wrong != SNIPPETS[-1]
    with pytest.raises(CheckFailure, match="The kernel is flipped on every spatial axis"):
        run([wrong])


def test_the_means_are_those_of_the_tables():
    assert report.markdown(summary.table(report.README, report.DRAWN)) in README


@pytest.mark.parametrize("name", layers.SETS)
def test_the_lists_of_problems_are_those_that_are_timed(name):
    assert report.markdown(layers.table(name)) in report.tables_of(name).read_text()


@pytest.mark.parametrize("table", [roofline.table, roofline.traffic])
def test_what_a_gpu_takes_at_best_is_counted(table):
    assert report.markdown(table()) in report.README.read_text()


def test_printed_errors_are_the_library_s():
    x, w = np.ones((1, 2, 4, 4)), np.ones((2, 3, 3, 3))
    torch = pytest.importorskip("torch")
    calls = [
        lambda: tconv.conv_transpose(x, w, stride=2, output_size=(9, 11)),
        lambda: tconv.conv_transpose(torch.ones(1, 2, 4, 4), w),
    ]
    raised = []
    for call in calls:
        with pytest.raises((ValueError, TypeError)) as caught:
            call()
        raised.append(f"{caught.type.__name__}: {caught.value}")
    assert raised == ERRORS


@pytest.mark.parametrize(
    "path", [ROOT / "README.md", *OTHERS], ids=lambda path: str(path.relative_to(ROOT))
)
def test_links_lead_somewhere(path):
    targets = re.findall(r"\]\(([^)#:]+)[^):]*\)", path.read_text())
    assert targets
    assert [target for target in targets if not (path.parent / target).exists()] == []

"""The README's Python runs as written, and its error texts are the library's."""

import re
from pathlib import Path

import jax
import numpy as np
import pytest

import tconv

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
SNIPPETS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
ERRORS = re.findall(r"^(?:ValueError|TypeError): .*$", README, flags=re.MULTILINE)


def test_the_first_block_is_two_set_up_lines():
    first = re.search(r"```\n(.*?)```", README, flags=re.DOTALL).group(1)
    demo, tests = first.splitlines()
    assert demo.endswith("examples/quickstart.py")
    assert tests.endswith("pytest")


def test_snippets_run_in_order():
    names: dict[str, object] = {}
    with jax.enable_x64(False):
        for snippet in SNIPPETS:
            exec(compile(snippet, "README.md", "exec"), names)
    assert names["dx"].shape == names["x"].shape
    assert len(SNIPPETS) >= 3


def test_printed_errors_are_the_library_s():
    x, w = np.ones((1, 2, 4, 4)), np.ones((2, 3, 3, 3))
    torch = pytest.importorskip("torch")
    calls = [
        lambda: tconv.conv_transpose(x, w, stride=2, output_size=(9, 11)),
        lambda: tconv.conv_transpose(x, w, padding=-1),
        lambda: tconv.conv_transpose(torch.ones(1, 2, 4, 4), w),
    ]
    raised = []
    for call in calls:
        with pytest.raises((ValueError, TypeError)) as caught:
            call()
        raised.append(f"{caught.type.__name__}: {caught.value}")
    assert raised == ERRORS


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_links_lead_somewhere(target):
    assert (ROOT / target).exists()

"""What the installed wheel says of itself, and what works of it beside NumPy alone."""

import importlib.util
import re
from importlib.metadata import metadata

import numpy as np

import tconv
import tconv.testing
from tconv.testing import *  # noqa: F403

assert importlib.util.find_spec("jax") is None
assert importlib.util.find_spec("hypothesis") is None

about = metadata("tconv")
assert about["Version"] == tconv.__version__
assert not re.search(r"\]\((?![a-z]+:)", about["Description"]), "a link into the repository"

y = tconv.conv_transpose(np.ones((1, 2, 3)), np.ones((2, 1, 2)), stride=2)
np.testing.assert_array_equal(y, np.full((1, 1, 6), 2.0), strict=True)
assert not hasattr(tconv.testing, "strategies")

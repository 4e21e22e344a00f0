"""Every ConvTranspose node of an ONNX model, run alone and compared with the reference.

A node keeps its attributes, its weight and bias, and the shape that the model's own shapes give
its input; the input's values are random.  Where a size of the model's inputs is free it is bound
to ``FREE``, and a batch to ``BATCH``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv.testing.checks import Summary
from tconv.testing.commands.rows import Check, Target
from tconv.testing.expected import Expected, expected_result, widened
from tconv.testing.frameworks import load
from tconv.testing.frameworks.onnx import by_the_runtime, node_crops, node_result, runtime
from tconv.testing.problems.problem import Problem, fill
from tconv.testing.trial import Finding

Array = NDArray[Any]
BATCH, FREE = 2, 16


def model_target(options: Any) -> Target:
    """The checks of the model that the command line names.

    Raises: ValueError for a file that is no model, or one without such a node; ImportError where
        onnx or onnxruntime is missing.
    """
    load("onnxruntime")  # which says what is missing
    framework = runtime(options.provider)
    run = partial(by_the_runtime, options.provider)
    model = _read(options.target)
    nodes = list(_nodes(model))
    if not nodes:
        raise ValueError(f"{options.target}: has no ConvTranspose node.")
    checks = [
        Check(node.name, node.how, node.dtype, partial(_check, node, run, options.seed))
        for node in nodes
    ]
    note = f"Free sizes of the model's inputs are bound to {FREE}, a free batch to {BATCH}."
    return Target(options.target, framework.packages, checks, note=note, ndim=())

"""JAX in its strictest modes, PyTorch on one thread, and the hypothesis profiles.

``TCONV_PROFILE`` chooses the profile: ``dev`` (the default: new examples in each run), ``ci`` (the
default where ``CI`` is set: the same examples in every run) or ``deep`` (fifty times as many).
Tests marked ``long`` run with the last two alone.  With ``--no-skips`` a test that is passed over,
for a package that is missing, fails.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from importlib.util import find_spec
from typing import Any

import jax
import pytest
from hypothesis import HealthCheck, settings

# A problem of test size runs in microseconds; compiling it is what takes the time.  Without the
# fusion emitters and with LLVM's effort turned down a gradient compiles in 49 ms, not 352 ms.
# XLA aborts on flags that it does not know, so each comes with the versions that do.
_QUICK_COMPILE = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
if jax.__version_info__ < (0, 11):
    _QUICK_COMPILE += " --xla_cpu_use_fusion_emitters=false"
os.environ["XLA_FLAGS"] = f"{_QUICK_COMPILE} {os.environ.get('XLA_FLAGS', '')}"
jax.config.update("jax_num_cpu_devices", 4)  # for the tests of sharding
jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")

if find_spec("torch"):  # the tests of the core and of the backends need none
    import torch

    torch.set_num_threads(1)  # handing tiny problems to threads costs more than it saves

_SLOW = [HealthCheck.too_slow]  # the first call of a shape compiles it
settings.register_profile("dev", max_examples=40, deadline=None, suppress_health_check=_SLOW)
settings.register_profile(
    "ci",
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=True,
    suppress_health_check=_SLOW,
)
settings.register_profile("deep", max_examples=2000, deadline=None, suppress_health_check=_SLOW)
_PROFILE = os.environ.get("TCONV_PROFILE", "ci" if os.environ.get("CI") else "dev")
settings.load_profile(_PROFILE)


# Examples in docstrings that need a package of the peers, or PyTorch.
_EXAMPLES = {
    "tconv.compat.onnx.to_onnx": "onnx",
    "tconv.compat.torch.load_safetensors": "safetensors",
    "tconv.compat.torch.save_safetensors": "safetensors",
    "tconv.compat.torch.": "torch",
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if _PROFILE == "dev":
        left_out = [item for item in items if item.get_closest_marker("long")]
        items[:] = [item for item in items if not item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=left_out)
    for item in items:
        for name, package in _EXAMPLES.items():
            if item.name.startswith(name) and not find_spec(package):
                item.add_marker(pytest.mark.skip(reason=f"the example needs {package}"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="what is passed over fails")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    return _judged((yield), item.config)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, Any]:
    return _judged((yield), collector.config)


def _judged(report: Any, config: pytest.Config) -> Any:
    if report.skipped and not hasattr(report, "wasxfail") and config.option.no_skips:
        report.outcome = "failed"
        report.longrepr = f"passed over, which --no-skips forbids: {report.longrepr[2]}"
    return report

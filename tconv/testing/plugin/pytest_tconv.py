"""The pytest plugin of tconv: a marked function becomes a test for each corner of the check.

    @pytest.mark.tconv(ndim=2, supports="symmetric, groups=1")
    def test_upsample():
        return upsample

The function returns what is to be checked, and may take fixtures.  The mark's arguments are those
of ``tconv.testing.parts.parts``; ``--tconv-profile`` and ``--tconv-seed`` are given for all.

pytest imports this module in every run where tconv is installed.  So it stands beside the package,
whose import brings NumPy, and imports the kit with the first marked function.
"""

from __future__ import annotations

from typing import Any

import pytest

_PART = "_tconv_part"
_MARK = (
    "tconv(kind='conv_transpose', adjoint=None, ndim=(1, 2, 3), dtypes=('float32',), "
    "supports='', profile='default', seed=0, batch=10, ...): check the transposed convolution that "
    "the function returns, a test a corner and one a batch of the other problems"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Profile and seed of all marked functions."""
    group = parser.getgroup("tconv")
    group.addoption("--tconv-profile", help="of the checks: table, quick, default, thorough, hours")
    group.addoption("--tconv-seed", type=int, help="of the checks' problems")


def pytest_configure(config: pytest.Config) -> None:
    """The mark, for ``--markers`` and ``--strict-markers``."""
    config.addinivalue_line("markers", _MARK)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a part."""
    mark = metafunc.definition.get_closest_marker("tconv")
    if mark is None:
        return
    from tconv.testing.parts import parts

    chosen = dict(mark.kwargs)
    for name in ("profile", "seed"):
        given = metafunc.config.getoption(f"tconv_{name}")
        if given is not None:
            chosen[name] = given
    try:
        found = parts(*mark.args, **chosen)
    except (TypeError, ValueError, ImportError) as error:
        pytest.fail(f"{metafunc.definition.nodeid}: mark tconv: {error}", pytrace=False)
    metafunc.fixturenames.append(_PART)
    metafunc.parametrize(_PART, found, ids=[part.name for part in found])


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Any:
    """Check what a marked function returns."""
    if pyfuncitem.get_closest_marker("tconv") is None:
        return None
    part: Any = pyfuncitem.callspec.params[_PART]
    names = pyfuncitem._fixtureinfo.argnames
    function = pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names})
    if not callable(function):
        pytest.fail(
            f"{pyfuncitem.originalname} must return the function to check; it returned "
            f"{function!r}.",
            pytrace=False,
        )
    try:
        tried = part.run(function)
    except AssertionError as failure:  # a CheckFailure, whose text is the report
        pytest.fail(str(failure), pytrace=False)
    if not tried:
        pytest.skip("supports refuses its problems and those near them")
    return True

"""Each library solves a small system with its adapter, as a dense solve does."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given

from tconv.operators import Conv, ConvTranspose
from tests.operators.problems import KINDS, bounded_problems, operator_of
from tests.support.computing import cheap

RNG = np.random.default_rng(0)
NAMED = {"stride": 2, "padding": 1, "padding_mode": "reflect", "batch": 2}
OPERATORS = [
    Conv(RNG.standard_normal((4, 2, 3, 3)), (6, 7), **NAMED),
    ConvTranspose(RNG.standard_normal((4, 2, 3, 3)), (3, 4), output_size=(6, 7), **NAMED),
]
COMPLEX = [operator.of_weight(operator.w + 1j * operator.w[::-1]) for operator in OPERATORS]
REAL = pytest.mark.parametrize("operator", OPERATORS, ids=KINDS)
EVERY = pytest.mark.parametrize("operator", OPERATORS + COMPLEX, ids=str)
DAMP = 0.5


def dense(operator):
    return operator @ np.eye(operator.shape[1])


def draw(operator, size):
    values = RNG.standard_normal(size)
    return values + 1j * RNG.standard_normal(size) if operator.dtype.kind == "c" else values


def damped(operator, y):
    """The x that minimises |A x - y|^2 + DAMP^2 |x|^2, flat."""
    matrix = dense(operator)
    normal = matrix.conj().T @ matrix + DAMP**2 * np.eye(matrix.shape[1])
    return np.linalg.solve(normal, matrix.conj().T @ y.reshape(-1))


@pytest.mark.parametrize("kind", KINDS)
def test_the_sparse_matrix_is_the_operator(kind):
    @cheap
    @given(bounded_problems(kind, dtypes=("int64",)))
    def check(drawn):
        problem, modes = drawn
        operator = operator_of(problem, modes, problem.arrays()[1])
        matrix = operator.to_sparse()
        assert (matrix.format, matrix.dtype, matrix.shape) == (
            "csr",
            operator.dtype,
            operator.shape,
        )
        np.testing.assert_array_equal(
            matrix.toarray(), operator @ np.eye(operator.shape[1], dtype=int)
        )
        normal = operator.gram.to_sparse()
        assert normal.format == "csr"
        np.testing.assert_array_equal(normal.toarray(), (matrix.T @ matrix).toarray())

    check()


@EVERY
def test_sparse_matrices_of_the_normal_operator(operator):
    x = draw(operator, operator.shape[1])
    np.testing.assert_allclose(operator.gram.to_sparse() @ x, operator.gram @ x, rtol=1e-12)


@EVERY
def test_scipy(operator):
    linalg = pytest.importorskip("scipy.sparse.linalg", reason="SciPy is an optional package")
    adapted = operator.to_scipy()
    assert (adapted.shape, adapted.dtype) == (operator.shape, operator.dtype)
    x, y = draw(operator, operator.shape[1]), draw(operator, operator.shape[0])
    matrix = dense(operator)
    bound = {"rtol": 1e-12, "atol": 1e-12}
    np.testing.assert_allclose(adapted @ x[:, None], matrix @ x[:, None], **bound)
    np.testing.assert_allclose(adapted.H @ y, matrix.conj().T @ y, **bound)
    np.testing.assert_allclose(adapted.T @ y, matrix.T @ y, **bound)
    np.testing.assert_allclose(adapted @ np.eye(len(x)), matrix, **bound)
    composed = 2 * adapted.H @ adapted + adapted.H @ adapted
    np.testing.assert_allclose(composed @ x, 3 * (operator.gram @ x), rtol=1e-11, atol=1e-11)
    for one in (adapted, operator):  # it takes an operator as it is, too
        found = linalg.lsqr(one, y, damp=DAMP, atol=1e-13, btol=1e-13)[0]
        np.testing.assert_allclose(found, damped(operator, y), rtol=1e-9, atol=1e-9)
    normal = linalg.aslinearoperator(operator.gram) + DAMP**2 * linalg.aslinearoperator(
        np.eye(len(x))
    )
    found, failed = linalg.cg(normal, operator.H @ y, rtol=1e-13)
    assert not failed
    np.testing.assert_allclose(found, damped(operator, y), rtol=1e-9, atol=1e-9)


@EVERY
def test_pylops(operator):
    pylops = pytest.importorskip("pylops", reason="PyLops is an optional package")
    from pylops.utils import dottest

    adapted = operator.to_pylops()
    assert (adapted.dims, adapted.dimsd, adapted.dtype) == (
        operator.dims, operator.dimsd, operator.dtype)  # fmt: skip
    flags = (3,) if operator.dtype.kind == "c" else (0, 3)
    for flag in flags:
        assert dottest(adapted, complexflag=flag, rtol=1e-11)
        assert dottest(operator.gram.to_pylops(), complexflag=flag, rtol=1e-11)
    x, y = draw(operator, operator.dims), draw(operator, operator.dimsd)
    np.testing.assert_allclose(adapted @ x, operator @ x, rtol=1e-12)
    np.testing.assert_allclose(adapted.H @ y, operator.rmatvec(y), rtol=1e-12)
    stack = draw(operator, (operator.shape[1], 3))
    np.testing.assert_allclose(adapted @ stack, operator @ stack, rtol=1e-12)
    # with an operator of PyLops' own beside it
    rows = pylops.VStack([adapted, DAMP * pylops.Identity(adapted.shape[1], dtype=adapted.dtype)])
    wanted = np.concatenate([y.reshape(-1), np.zeros(adapted.shape[1])])
    found = pylops.optimization.basic.cgls(rows, wanted, niter=500, tol=1e-22)[0]
    np.testing.assert_allclose(found, damped(operator, y), rtol=1e-9, atol=1e-9)


@EVERY
def test_lineax(operator):
    lx = pytest.importorskip("lineax", reason="lineax is an optional package")
    import jax.numpy as jnp

    adapted = operator.to_lineax(tags=(tag for tag in ("own",)))
    assert adapted.tags == {"own"}
    assert not lx.is_symmetric(adapted)
    structure = adapted.in_structure()
    assert (structure.shape, structure.dtype) == (operator.dims, operator.dtype)
    y = draw(operator, operator.dimsd)
    np.testing.assert_allclose(adapted.T.mv(jnp.asarray(y)), operator.T @ y, rtol=1e-11, atol=1e-11)
    normal = operator.gram.to_lineax()
    assert lx.is_positive_semidefinite(normal)
    shifted = lx.TaggedLinearOperator(
        normal + lx.IdentityLinearOperator(structure), lx.positive_semidefinite_tag
    )
    right = jnp.asarray(operator.H @ y)
    found = lx.linear_solve(shifted, right, lx.CG(rtol=1e-13, atol=1e-13)).value
    matrix = dense(operator)
    expected = np.linalg.solve(
        matrix.conj().T @ matrix + np.eye(matrix.shape[1]), np.asarray(right).reshape(-1)
    )
    np.testing.assert_allclose(np.asarray(found).reshape(-1), expected, rtol=1e-9, atol=1e-9)


def test_lineax_without_64_bits():
    """A NumPy weight of float64 computes in float32 there, as JAX takes it."""
    pytest.importorskip("lineax", reason="lineax is an optional package")
    import jax

    with jax.enable_x64(False):
        adapted = OPERATORS[0].to_lineax()
        assert adapted.in_structure().dtype == adapted.out_structure().dtype == "float32"


@REAL
def test_gradients_in_w_through_lineax(operator):
    lx = pytest.importorskip("lineax", reason="lineax is an optional package")
    import jax
    import jax.numpy as jnp

    y = RNG.standard_normal(operator.dims)

    @jax.jit
    def loss(operator):
        normal = operator.gram.to_lineax()
        shifted = lx.TaggedLinearOperator(
            normal + lx.IdentityLinearOperator(normal.in_structure()), lx.positive_semidefinite_tag
        )
        return jnp.sum(lx.linear_solve(shifted, y, lx.CG(rtol=1e-13, atol=1e-13)).value ** 2)

    def expected(w):
        matrix = dense(operator.of_weight(w))
        solved = np.linalg.solve(matrix.T @ matrix + np.eye(matrix.shape[1]), y.reshape(-1))
        return np.sum(solved**2)

    gradient = jax.grad(loss)(jax.device_put(operator)).w
    step = 1e-5
    for place in ((0, 0, 0, 0), (3, 1, 2, 1)):
        change = np.zeros(operator.w.shape)
        change[place] = step
        difference = (expected(operator.w + change) - expected(operator.w - change)) / (2 * step)
        np.testing.assert_allclose(gradient[place], difference, rtol=1e-6, atol=1e-8)


@REAL
def test_a_jax_weight_is_given_as_values(operator):
    import jax

    on_jax = jax.device_put(operator)
    x = RNG.standard_normal(operator.shape[1])
    assert isinstance(on_jax.gram.on_numpy() @ x, np.ndarray)
    adapters = [on_jax.to_scipy, on_jax.to_sparse]
    if find_spec("pylops"):
        adapters.append(on_jax.to_pylops)
    for adapter in adapters:
        adapted = adapter()
        found = adapted @ x
        assert isinstance(found, np.ndarray)
        np.testing.assert_allclose(found, operator @ x, rtol=1e-12, atol=1e-12)


def test_an_empty_batch_has_an_empty_matrix():
    operator = Conv(np.ones((1, 1, 3)), 5, batch=(2, 0))
    assert operator.to_sparse().shape == operator.shape == (0, 0)

"""Which checks the command runs, with which arguments, for each of its options."""

from __future__ import annotations

import argparse
from types import SimpleNamespace

import numpy as np
import pytest

import tconv
from tconv.testing import Problem
from tconv.testing.checks import Summary
from tconv.testing.commands import check, function, installed, own
from tconv.testing.commands.installed import METHODS, Functions
from tconv.testing.commands.rows import later
from tconv.testing.frameworks.framework import Framework
from tconv.testing.problems.supports import Supports


@pytest.fixture
def calls(monkeypatch):
    """The calls of the checks, which then hold."""
    made = []

    def standing_for(name):
        def run(fn, *, progress, **options):
            made.append((name, fn, options))
            return Summary(problems=len(made))

        return run

    for module in (own, function):
        for name in ("check_conv_transpose", "check_conv", "check_vjp"):
            monkeypatch.setattr(module, name, standing_for(name))
    return made


def run(checks):
    for one in checks:
        assert isinstance(one.run(print), Summary)
    return [(one.check, one.method, one.dtype) for one in checks]


def offered(confines_nan):
    return Functions(
        "here", lambda method: f"transposed {method}", "conv", lambda kind: f"vjp {kind}",
        confines_nan, compiles=False,
    )  # fmt: skip


@pytest.mark.parametrize("confines_nan", [True, False])
def test_the_library_s_own_checks(calls, confines_nan):
    options = {"examples": 6, "profile": "default", "seed": 4, "supports": bool}
    checks = own.own_checks(offered(confines_nan), ("float32", "int8"), **options)
    strict = ("x",) if confines_nan else ()
    first = {
        "dtypes": ("float32",), "max_examples": 6, "seed": 4, "supports": bool,
        "profile": "default", "ndim": (1, 2, 3),
    }  # fmt: skip
    second = first | {"dtypes": ("int8",), "profile": "quick", "ndim": [1, 2]}

    def of(dtype, common, methods):
        for method in methods:
            conv = "conv" if method == "auto" else None
            about = {"nonfinite": () if method == "matrix" else strict, "conv": conv}
            yield (
                ("conv_transpose", method, dtype),
                ("check_conv_transpose", f"transposed {method}", about | common),
            )
        about = {"nonfinite": strict, "conv_transpose": "transposed auto"}
        yield ("conv", "", dtype), ("check_conv", "conv", about | common)
        for kind in ("conv_transpose", "conv"):
            yield (
                (f"{kind}_vjp", "", dtype),
                ("check_vjp", f"vjp {kind}", {"kind": kind} | common),
            )

    wanted = [*of("float32", first, METHODS), *of("int8", second, ("auto",))]
    assert run(checks) == [row for row, _ in wanted]
    assert calls == [call for _, call in wanted]


def test_the_library_s_own_checks_of_few_problems_or_few_axes(calls):
    run(own.own_checks(offered(True), ("int8", "int32"), examples=1, profile="few", ndim=(3, 2)))
    assert {options["profile"] for _, _, options in calls} == {"few"}
    axes = [(options["dtypes"], options["ndim"]) for _, _, options in calls]
    assert axes == [(("int8",), (3, 2))] * 8 + [(("int32",), [2])] * 4
    calls.clear()
    run(own.own_checks(offered(True), ("int8", "int32"), examples=1))
    assert [options["profile"] for _, _, options in calls] == ["quick"] * 12
    assert {(options["seed"], options["supports"]) for _, _, options in calls} == {(0, None)}


def parsed(*arguments):
    parser = argparse.ArgumentParser()
    check.add_to(parser.add_subparsers())
    return parser.parse_args(["check", *arguments])


def test_the_options_and_what_they_are_without():
    plain = vars(parsed())
    assert plain.pop("run") is check.run
    assert plain == {
        "target": None, "framework": None, "conv": None, "vjp": None, "ndim": None,
        "supports": None, "ops": False, "provider": "CPUExecutionProvider", "backend": "numpy",
        "device": None, "dtype": None, "examples": None, "profile": None, "seed": 0, "json": None,
        "mutants": False,
    }  # fmt: skip
    given = vars(parsed("a:b", "--ndim", "1,3", "--dtype", "int8", "--dtype", "int32"))
    assert (given["target"], given["ndim"], given["dtype"]) == ("a:b", (1, 3), ["int8", "int32"])
    flags = vars(parsed("--ops", "--mutants", "--examples", "3", "--seed", "-4"))
    assert (flags["ops"], flags["mutants"], flags["examples"], flags["seed"]) == (True, True, 3, -4)


@pytest.mark.parametrize(
    ("arguments", "compiles", "profile", "examples"),
    [
        ([], False, "quick", 10),
        ([], True, "few", 12),
        (["--examples", "0"], False, "quick", 0),
        (["--examples", "5"], True, "few", 5),
        (["--profile", "table"], False, "table", 0),
        (["--profile", "thorough"], True, "thorough", 2_000),
        (["--profile", "default", "--examples", "7"], False, "default", 7),
    ],
)
def test_how_many_problems_the_library_is_tried_with(
    calls, monkeypatch, arguments, compiles, profile, examples
):
    asked = []

    def functions(*about):
        asked.append(about)
        return Functions("on an abacus", str, "conv", str, True, compiles, "A note.")

    monkeypatch.setattr(check, "functions", functions)
    target = check._target(parsed(*arguments, "--seed", "3", "--device", "d"))
    dtypes = ("float32", "float64", "float16", "complex64", "int32")
    assert asked == [("numpy", "d", dtypes)]
    assert (target.name, target.packages, target.note) == ("tconv, on an abacus", (), "A note.")
    assert (target.profile, target.examples, target.ndim) == (profile, examples, (1, 2, 3))
    rows = run(target.checks)
    assert list(dict.fromkeys(dtype for _, _, dtype in rows)) == list(dtypes)
    first = calls[0][2]
    assert (first["profile"], first["max_examples"], first["seed"]) == (profile, examples, 3)
    target = check._target(parsed(*arguments, "--ndim", "2", "--dtype", "int8"))
    assert (target.ndim, {dtype for _, _, dtype in run(target.checks)}) == ((2,), {"int8"})


def test_a_function_is_tried_within_what_it_offers(calls):
    plain = parsed("tconv:conv_transpose")
    target = check._target(plain)
    assert run(target.checks) == [("conv_transpose", "", "float32")]
    ((name, fn, options),) = calls
    assert (name, fn) == ("check_conv_transpose", tconv.conv_transpose)
    assert options == {
        "supports": target.supports, "max_examples": None, "seed": 0, "ndim": (1, 2, 3),
        "profile": "default", "dtypes": ("float32",), "conv": None, "nonfinite": ("x",),
    }  # fmt: skip
    assert (target.name, target.packages, target.note) == ("tconv:conv_transpose", ("tconv",), "")
    assert (target.profile, target.examples, target.ndim) == ("default", None, (1, 2, 3))
    assert target.allows is target.supports
    calls.clear()
    target = check._target(parsed(
        "tconv:conv_transpose", "--conv", "tconv:conv", "--vjp", "tconv:conv_transpose_vjp",
        "--supports", "groups=1", "--ndim", "2", "--profile", "quick", "--examples", "3",
        "--seed", "8", "--dtype", "int8", "--dtype", "int32",
    ))  # fmt: skip
    names = ("conv_transpose", "conv", "conv_transpose_vjp")
    assert run(target.checks) == [(name, "", dtype) for dtype in ("int8", "int32")
                                  for name in names]  # fmt: skip
    assert target.supports.text == "groups=1"
    common = {
        "supports": target.supports, "max_examples": 3, "seed": 8, "ndim": (2,),
        "profile": "quick",
    }  # fmt: skip
    for (name, fn, options), dtype in zip(calls, ["int8"] * 3 + ["int32"] * 3, strict=True):
        alone = {
            "check_conv_transpose": {"conv": tconv.conv, "nonfinite": ("x",)},
            "check_conv": {"nonfinite": ("x",)},
            "check_vjp": {},
        }[name]
        assert options == {**common, **alone, "dtypes": (dtype,)}
        assert fn.__name__ == {
            "check_conv_transpose": "conv_transpose", "check_conv": "conv",
            "check_vjp": "conv_transpose_vjp",
        }[name]  # fmt: skip


@pytest.mark.parametrize("why", ["", "rows of three axes"])
def test_a_framework_is_tried_where_it_does_not_abort(calls, monkeypatch, why):
    framework = Framework(
        conv_transpose=tconv.conv_transpose, vjp=tconv.conv_transpose_vjp,
        supports=Supports("groups=1"), packages=("abacus",),
        aborts=lambda problem: problem.ndim == 3, why=why,
    )  # fmt: skip
    monkeypatch.setattr(function, "load", lambda name: {"abacus": framework}[name])
    target = check._target(parsed("--framework", "abacus", "--supports", "symmetric"))
    assert [name for name, *_ in run(target.checks)] == ["conv_transpose", "conv_transpose_vjp"]
    assert calls[0][2]["nonfinite"] == ()
    assert (target.name, target.packages) == ("abacus", ("abacus",))
    assert (
        target.note
        == "NaN and inf are not checked: frameworks do not say where they may go."
        + (f"\nLeft out: {why}." if why else "")
    )
    line, cube = Problem((3,), (2,)), Problem((3, 3, 3), (2, 2, 2))
    tried = calls[0][2]["supports"]
    assert tried is target.allows
    assert [tried(one) for one in (line, cube)] == [True, False]
    assert target.supports(cube)
    assert not tried(Problem((3,), (2,), groups=2, in_channels=2, out_channels=2))
    assert not tried(Problem((3,), (2,), padding=((1, 0),)))
    other = function.framework_target(parsed("--ops"), framework)
    assert other.name == "onnxruntime"


def test_functions_are_found_by_their_names():
    import os.path

    assert function.function_named("os:path.join") is os.path.join
    for text in ("tconv", ":conv", "tconv:", ""):
        with pytest.raises(ValueError, match=r"must be package.module:function, a model"):
            function.function_named(text)


def test_the_package_of_a_function_and_the_signatures_of_all_that_are_named():
    target = check._target(parsed("tconv.testing.reference:conv_transpose"))
    assert target.packages == ("tconv",)
    for option in ("--conv", "--vjp"):
        with pytest.raises(ValueError, match=r"^tconv:nothing: tconv has no"):
            check._target(parsed("tconv:conv_transpose", option, "tconv:nothing"))
        with pytest.raises(ValueError, match=r"^os.path:join: must take \(x, w, b=None"):
            check._target(parsed("tconv:conv_transpose", option, "os.path:join"))


def test_a_convolution_takes_no_output_padding():
    def conv(x, w, b=None, *, stride, padding, dilation, groups):
        return x

    function.check_signature("mine:conv", conv, "conv")
    with pytest.raises(
        ValueError, match=r"must take \(x, w, b=None, \*, stride, padding, output_p"
    ):
        function.check_signature("mine:conv", conv)
    function.check_signature("of compiled code", type)


def test_numpy_s_functions(monkeypatch):
    found = installed.functions("numpy", None, ("float32",))
    assert (found.where, found.note) == ("NumPy backend", "")
    assert (found.confines_nan, found.compiles) == (True, False)
    assert found.conv is tconv.conv
    assert found.vjp("conv") is tconv.conv_vjp
    assert found.vjp("conv_transpose") is tconv.conv_transpose_vjp
    asked = []
    monkeypatch.setattr(tconv, "conv_transpose", lambda *a, **options: asked.append((a, options)))
    found.conv_transpose("dilated")("x", "w", "b", stride=2)
    found.conv_transpose("matrix")("x", "w")
    assert asked == [
        (("x", "w", "b"), {"method": "dilated", "stride": 2}),
        (("x", "w", None), {"method": "matrix"}),
    ]
    assert installed.functions("numpy", "cpu", ()).where == "NumPy backend"


class Device:
    platform, device_kind = "abacus", "beads"

    def __init__(self, number):
        self.number = number


@pytest.mark.parametrize(
    ("device", "kind", "number"), [(None, "bead", 0), ("gpu", "gpu", 0), ("gpu:2", "gpu", 2)]
)
def test_jax_s_functions_on_a_device(monkeypatch, device, kind, number):
    """With what JAX is asked for: where arrays are put, what is static, and which precision."""
    asked, updates = [], []

    def jit(fn, *, static_argnames):
        def compiled(*operands, **options):
            assert set(options) <= set(static_argnames)
            asked.append((fn.__name__, [type(one).__name__ for one in operands], options))
            return fn(*operands, **{k: v for k, v in options.items() if k != "precision"})

        return compiled

    def put(values, place):
        assert place.number == number
        return values

    jax = SimpleNamespace(
        config=SimpleNamespace(update=lambda *change: updates.append(change)),
        default_backend=lambda: "bead",
        devices=lambda name: [Device(each) for each in range(4)] if name == kind else [],
        device_put=put, jit=jit, __version__="9.9",
    )  # fmt: skip
    monkeypatch.setattr(installed, "import_module", lambda name: {"jax": jax}[name])
    found = installed.functions("jax", device, ("float32", "complex64", "float16"))
    assert updates == []
    assert found.where == "JAX 9.9 backend on abacus (beads)"
    assert (found.confines_nan, found.compiles) == (False, True)
    assert found.note.startswith("NaN and inf are not checked on JAX")
    x, w, b = np.ones((1, 2, 3)), np.ones((2, 2, 2)), np.array([1.0, 2.0])
    y = found.conv_transpose("dilated")(x, w, b, stride=2, output_padding=1)
    np.testing.assert_array_equal(y, tconv.conv_transpose(x, w, b, stride=2, output_padding=1))
    np.testing.assert_array_equal(found.conv(x, w, dilation=2), tconv.conv(x, w, dilation=2))
    for name in ("conv_transpose", "conv"):
        y, pullback = found.vjp(name)(x, w, b, stride=2)
        right, other = getattr(tconv, f"{name}_vjp")(x, w, b, stride=2)
        np.testing.assert_array_equal(y, right)
        for mine, theirs in zip(pullback(2 * y), other(2 * right), strict=True):
            np.testing.assert_array_equal(mine, theirs)
    names, operands, options = zip(*asked, strict=True)
    assert names == ("conv_transpose", "conv", "conv_transpose", "gradients", "conv", "gradients")
    three, four = ["ndarray"] * 3, ["ndarray"] * 4
    assert list(operands) == [three, [*three[:2], "NoneType"], three, four, three, four]
    assert {one["precision"] for one in options} == {"highest"}
    assert [one.get("method") for one in options] == ["dilated", None, "auto", None, None, None]
    for name in ("float64", "int64", "complex128", "uint64"):
        installed.functions("jax", device, ("float32", name))
    assert updates == [("jax_enable_x64", True)] * 4


def test_a_check_is_kept_until_its_progress_is_known():
    def shown(*arguments, **options):
        return arguments, options

    assert later(shown, "fn", seed=3)(print) == (("fn",), {"progress": print, "seed": 3})

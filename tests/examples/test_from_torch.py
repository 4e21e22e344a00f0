import from_torch
import numpy as np
import torch


def test_numpy_and_jax_equal_pytorch(tmp_path):
    found = from_torch.main(["--short", "--out", str(tmp_path)])
    # main asserts the bounds; here: they mean something, being finer than float32 resolves.
    assert found["bound"].max() < np.finfo(np.float32).eps
    assert found["off"]["PyTorch", "float32"] < 1e-5
    assert found["images"]["PyTorch", "float64"].std() > 0.1
    assert (tmp_path / "from_torch.png").stat().st_size > 10_000


def test_the_bound_sees_a_changed_weight():
    generator = from_torch.torch_generator(width=2).double()
    layers = from_torch.tconv_layers(width=2)
    state = from_torch.state_of(generator, np.array)
    code = np.random.default_rng(0).standard_normal((1, from_torch.CODE, 1, 1))
    with torch.no_grad():
        expected = generator(torch.from_numpy(code)).numpy()
    bound = from_torch.rounding_bound(layers, state, code)
    off = np.abs(from_torch.generate(layers, state, code, np) - expected)
    assert (off <= bound).all()
    state["6"]["weight"][0, 0, 1, 2] *= 1 + 1e-6
    off = np.abs(from_torch.generate(layers, state, code, np) - expected)
    assert (off > bound).any()

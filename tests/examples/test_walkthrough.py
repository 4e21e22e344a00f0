import walkthrough


def test_every_statement_holds_on_both_backends(tmp_path, capsys):
    counts = walkthrough.main(["--out", str(tmp_path)])
    assert counts["NumPy"] == counts["JAX"] > 40
    assert (tmp_path / "walkthrough.png").stat().st_size > 10_000
    printed = capsys.readouterr().out
    assert "[2 7 4 -4 -2 1]" in printed
    assert all(str(number) + ". " in printed for number in range(1, len(walkthrough.STEPS) + 1))

"""How many small mistakes in the package the tests notice: ``python -m tests.mutations --seed 0
--count 100``.

Each mutant is the package with one small change.  It is killed by the first test that fails and
survives if all pass, the tests that run the changed line being the only ones that can tell.
"""

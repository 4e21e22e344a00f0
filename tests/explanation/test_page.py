"""What the page shows: the library's values, the terms of each, and the same subject in every
view."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from tconv.explanation.page import page
from tconv.testing import Problem
from tests.explanation.browser import (
    LIT,
    QUESTION,
    Browser,
    assert_shows,
    data_of,
    drawn_problem,
    expected,
    fragment_of,
)

LIMIT = 200_000  # bytes


def test_the_page_is_small_and_names_no_address():
    text = page(data_of(QUESTION))
    assert len(text.encode()) < LIMIT
    assert "{{" not in text
    assert "//" not in text.replace("// ", "").replace("//\n", "")
    assert "default-src 'none'" in text


def test_a_page_carries_no_numbers_that_it_cannot_show(browser):
    problem = Problem((40, 40), (2, 2), in_channels=16, batch=None, bias=True)
    text = page(data_of(problem))
    assert len(text.encode()) < LIMIT
    browser.open(text)
    assert "more numbers than a page can show" in browser.text("#unshown")


@pytest.mark.parametrize("seed", range(30))
def test_outputs_are_the_references(browser, seed):
    """Half of the problems come as the page's data, half by its address."""
    problem = drawn_problem(seed)
    rng = np.random.default_rng(seed)
    sample = int(rng.integers(problem.batch or 1))
    channel = int(rng.integers(problem.out_channels))
    if seed % 2:
        browser.open(page(data_of(problem)), "")
        choose(browser, "sample", sample)
        choose(browser, "out-channel", channel)
    else:
        if seed == 0:
            browser.open(page(data_of(QUESTION)))
        browser.show(fragment_of(problem, shown=f"{sample},0,{channel}"))
    assert_shows(browser, expected(problem)[sample, channel])


def choose(browser: Browser, menu: str, value: int) -> None:
    browser.run(
        "const menu = document.getElementById(arguments[0]);"
        "if (menu.value === arguments[1]) return; menu.value = arguments[1];"
        "menu.dispatchEvent(new Event('change', {bubbles: true}));",
        menu,
        str(value),
    )
    browser.settle()


def related(problem: Problem) -> list[tuple[Any, Any, Any]]:
    """Every input, tap and output position that belong together, cropped ones too."""
    every = product(np.ndindex(*problem.input_size), np.ndindex(*problem.kernel_size))
    return [
        (i, t, tuple(a * s + b * d - lo for a, s, b, d, (lo, _) in zip(
            i, problem.stride, t, problem.dilation, problem.padding, strict=True)))
        for i, t in every
    ]  # fmt: skip


@pytest.mark.parametrize("problem", LIT, ids=repr)
def test_an_output_that_is_pointed_at_shows_its_terms_and_their_sum(browser, problem):
    browser.open(page(data_of(problem)))
    y, triples = expected(problem)[0, 0], related(problem)
    for index in np.ndindex(y.shape):
        browser.hover(f"y:{','.join(map(str, index))}")
        own = [(i, t) for i, t, o in triples if o == index]
        assert browser.lit("x") == {i for i, _ in own}
        assert browser.lit("w") == {t for _, t in own}
        products, bias = browser.numbers("data-product"), browser.numbers("data-bias")
        assert len(products) == len(own) * problem.in_channels
        assert sum(products) + sum(bias) == pytest.approx(y[index], rel=1e-12, abs=1e-12)
        assert browser.numbers("data-sum") == pytest.approx([y[index]], rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("problem", LIT, ids=repr)
def test_inputs_and_weights_light_where_they_go(browser, problem):
    browser.open(page(data_of(problem)))
    triples = related(problem)
    for kind, place, size in (("x", 0, problem.input_size), ("w", 1, problem.kernel_size)):
        for index in np.ndindex(size):
            browser.hover(f"{kind}:{','.join(map(str, index))}")
            own = [triple for triple in triples if triple[place] == index]
            assert browser.lit("y") == {o for _, _, o in own}
            other = "w" if kind == "x" else "x"
            assert browser.lit(other) == {triple[1 - place] for triple in own}
            cropped = sum(o not in np.ndindex(problem.output_size) for _, _, o in own)
            assert len(browser.driver.find_elements("css selector", ".thrown")) == cropped


def test_why_6_and_why_12(question):
    question.hover("y:0,0")
    assert question.text("#telling").startswith("y[0, 0] = x[0, 0]·w[1, 1]= 1·6= 6")
    question.hover("y:0,1")
    assert "= 1·7 + 1·5= 12" in question.text("#telling")
    question.hover("y:-1,0")
    assert "Cropped" in question.text("#telling")


def test_every_view_shows_the_pinned_output(question):
    question.hover("y:2,3")
    question.find("[role=gridcell][data-key='y:2,3']").click()
    question.hover("w:0,0")
    assert question.lit("y") != {(2, 3)}
    question.point("h1")
    assert question.lit("y") == {(2, 3)}, "the pinned output comes back"
    assert question.run(
        "const count = (selector) => document.querySelectorAll(selector).length;"
        "return [count('#view-distribution .stamp'), count('#view-collection .window'),"
        " count('#view-collection rect.x.lit'), count('#view-matrix .row.lit'),"
        " count('#view-matrix .entry.lit'), count('#view-phases .frame.chosen')]"
    ) == [4, 1, 4, 1, 4, 1]
    question.point("#folded")
    assert question.lit("y") == {(2, 3)}, "what depends on the subject is no subject"
    question.point("h1")
    question.press("ESCAPE")
    assert question.lit("y") == set()


@pytest.mark.parametrize("problem", LIT, ids=repr)
def test_the_pictures_agree_with_the_terms(browser, problem):
    """Of every output: the inputs and taps that each picture lights; on one axis the numbers."""
    browser.open(page(data_of(problem)))
    triples, y = related(problem), expected(problem)[0, 0]
    count = "return arguments[0].map((selector) => document.querySelectorAll(selector).length)"
    numbers = (
        "return [...document.querySelectorAll(arguments[0])]"
        ".map((cell) => Number(cell.nextSibling.textContent.replace('\u2212', '-')))"
    )
    pictures = [f"#view-{name} .marks {lit}" for name, lit in (
        ("distribution", "rect.lit:is(.y)"), ("collection", ".tapped"), ("matrix", ".entry.lit"),
        ("collection", ".x.lit"),
    )]  # fmt: skip
    for index in np.ndindex(y.shape):
        browser.hover(f"y:{','.join(map(str, index))}")
        own = [(i, t) for i, t, o in triples if o == index]
        taps = len(list(np.ndindex(problem.kernel_size)))
        assert browser.run(count, pictures) == [1, taps, len(own), len({i for i, _ in own})]
        if problem.ndim == 1:
            for picture in ("distribution", "collection"):
                shown = browser.run(numbers, f"#view-{picture} .marks .product.lit")
                assert sum(shown) == pytest.approx(y[index], abs=0.02)  # two decimals are shown

"""What the reader does to the page: sliders, values, keys, the player, links and frames."""

from __future__ import annotations

import html
from pathlib import Path

import numpy as np
import pytest

import tconv
import tconv.explanation.page
from tconv._core.plan import conv_transpose_call
from tconv.explanation.page import page
from tconv.testing import Problem, reference
from tests.explanation.browser import LIT, Browser, assert_shows, data_of, expected, fragment_of

GEOMETRY = Path(tconv.explanation.page.__file__).with_name("geometry.js")


def slider(name: str, axis: int | None = None) -> str:
    which = "" if axis is None else f"[data-axes='{axis}']"
    return f"#sliders input[data-name='{name}']{which}"


def held(browser: Browser, kind: str, shape: tuple[int, ...]) -> np.ndarray:
    """The numbers that stand in a grid."""
    script = "return [...document.querySelectorAll(arguments[0])].map((cell) => cell.dataset.value)"
    return np.array(browser.run(script, f"#grid-{kind} .cell"), float).reshape(shape)


def test_sliders_compute_as_conv_transpose(question):
    """Each in turn, on all axes at once; the arrays are read back from the page."""
    chosen = {"stride": 2, "dilation": 1, "lo": 1, "hi": 1, "output_padding": 0}
    steps = [("stride", 3), ("hi", 0), ("inputSize", 3), ("outputPadding", 2), ("kernelSize", 5),
             ("lo", -2), ("dilation", 2), ("hi", 4)]  # fmt: skip
    sizes = {"inputSize": 4, "kernelSize": 4}
    for name, value in steps:
        question.set(slider(name), value)
        (sizes if name in sizes else chosen)[
            {"outputPadding": "output_padding"}.get(name, name)
        ] = value
        n, k = sizes["inputSize"], sizes["kernelSize"]
        x, w = held(question, "x", (1, 1, n, n)), held(question, "w", (1, 1, k, k))
        keywords = {key: chosen[key] for key in ("stride", "dilation", "output_padding")}
        padding = ((chosen["lo"], chosen["hi"]),) * 2
        y = tconv.conv_transpose(x, w, padding=padding, **keywords)
        assert_shows(question, y[0, 0])
        formula = f"({n} - 1)*{chosen['stride']} + {chosen['dilation']}*({k} - 1) + 1"
        assert question.text("#verdict .size code").startswith(formula)
        assert question.text("#verdict .size strong") == str(y.shape[-1])


def test_a_slider_that_comes_back_brings_the_numbers_back(question):
    before = question.values()
    for name, value in (("inputSize", 2), ("inputSize", 4), ("kernelSize", 2), ("kernelSize", 4)):
        question.set(slider(name), value)
    assert question.values() == before


def test_axes_apart_and_one_axis(question):
    question.find("#linked").click()
    question.settle()
    question.set(slider("stride", 1), 3)
    x, w = held(question, "x", (1, 1, 4, 4)), held(question, "w", (1, 1, 4, 4))
    assert_shows(question, tconv.conv_transpose(x, w, stride=(2, 3), padding=1)[0, 0])
    question.find("[data-axes='1']").click()
    question.settle()
    x, w = held(question, "x", (1, 1, 4)), held(question, "w", (1, 1, 4))
    assert_shows(question, tconv.conv_transpose(x, w, stride=2, padding=1)[0, 0])
    question.find("[data-axes='2']").click()
    question.settle()
    assert question.text("#size-y").startswith("8 \N{MULTIPLICATION SIGN} 8")


@pytest.mark.parametrize("changes", [{"outputPadding": 4}, {"lo": 8, "hi": 8}])
def test_a_refused_setting_shows_the_librarys_sentence(question, changes):
    """And the page recovers when the setting does."""
    before = {"lo": 1, "hi": 1, "outputPadding": 0}
    shown = question.values()
    for name, value in changes.items():
        question.set(slider(name), value)
    chosen, ones = before | changes, np.ones((1, 1, 4, 4))
    with pytest.raises(ValueError, match="must") as refused:
        tconv.conv_transpose(
            ones,
            ones,
            stride=2,
            padding=((chosen["lo"], chosen["hi"]),) * 2,
            output_padding=chosen["outputPadding"],
        )
    assert question.text("#refusal") == str(refused.value)
    assert not question.find("#grid-y").is_displayed()
    for name, value in before.items():
        question.set(slider(name), value)
    assert question.values() == shown


def test_every_refusal_is_worded_as_the_librarys(browser):
    """The page's rules beside the plan's, on settings that break none, one or several."""
    rng, settings, wanted = np.random.default_rng(0), [], []
    for _ in range(3000):
        axes = int(rng.integers(1, 4))
        draw = lambda low, high: rng.integers(low, high, axes).tolist()  # noqa: B023, E731
        problem = {
            "inputSize": draw(0, 6) if rng.random() < 0.2 else draw(1, 6),
            "kernelSize": draw(0, 5) if rng.random() < 0.2 else draw(1, 5),
            "stride": draw(-1, 4) if rng.random() < 0.2 else draw(1, 4),
            "dilation": draw(0, 3) if rng.random() < 0.2 else draw(1, 3),
            "padding": list(zip(draw(-2, 6), draw(-2, 6), strict=True)),
            "outputPadding": draw(-1, 4) if rng.random() < 0.3 else [0] * axes,
            "groups": int(rng.integers(0, 3)),
            "inChannels": int(rng.integers(1, 5)),
            "batch": None if rng.random() < 0.5 else 2,
        }
        # The weight's second axis is out_channels/groups: any count of groups divides them.
        problem["outChannels"] = max(problem["groups"], 1) * 2
        settings.append(problem)
        wanted.append(refusal(problem))
    script = GEOMETRY.read_text("utf-8") + "return arguments[0].map(refusalOf);"
    shown = browser.run(script, settings)
    assert shown == wanted
    starts = {text.partition(" must")[0].partition(",")[0] for text in wanted if text}
    assert len(starts) >= 7, starts
    assert 300 < wanted.count(None) < 2700


def refusal(problem: dict) -> str | None:
    batch = () if problem["batch"] is None else (problem["batch"],)
    x_shape = (*batch, problem["inChannels"], *problem["inputSize"])
    try:
        conv_transpose_call(
            x_shape,
            (problem["inChannels"], 2, *problem["kernelSize"]),
            stride=tuple(problem["stride"]),
            padding=tuple(problem["padding"]),
            output_padding=tuple(problem["outputPadding"]),
            dilation=tuple(problem["dilation"]),
            groups=problem["groups"],
        )
    except ValueError as error:
        return str(error)
    return None


def test_keys_alone_reach_move_pin_and_edit(question):
    question.run("document.activeElement.blur()")
    for _ in range(40):
        question.press("TAB")
        if question.run("return document.activeElement.closest('#grid-x') !== null"):
            break
    question.press("ARROW_RIGHT", "ARROW_DOWN")
    assert question.run("return document.activeElement.dataset.key") == "x:1,1"
    assert len(question.lit("y")) == 16
    assert "16 products" in question.text("#aloud")
    question.press("7", "ENTER")
    assert question.run("return document.activeElement.dataset.key") == "x:1,1"
    x, w = np.ones((1, 1, 4, 4)), 1 + np.arange(16.0).reshape(1, 1, 4, 4)
    x[0, 0, 1, 1] = 7
    assert_shows(question, tconv.conv_transpose(x, w, stride=2, padding=1)[0, 0])
    question.press("TAB", "F2")
    question.run("document.activeElement.value = '-2.5'")
    question.press("ENTER", "END")
    assert question.run("return document.activeElement.dataset.key") == "w:0,3"
    w[0, 0, 0, 0] = -2.5
    assert_shows(question, tconv.conv_transpose(x, w, stride=2, padding=1)[0, 0])
    question.press("TAB", "ARROW_RIGHT", "ENTER", "HOME")
    assert question.lit("y") == {(0, -1)}, "what is focused goes before what is pinned"
    question.press("TAB")
    assert question.lit("y") == {(0, 1)}
    assert question.find("[aria-selected=true].cell").get_attribute("data-key") == "y:0,1"
    question.press("ESCAPE")
    assert question.lit("y") == set()


def test_every_control_can_be_tabbed_to_and_has_a_name(question):
    """In the order of the document, each grid and the tabs being one stop."""
    names = []
    question.run("document.activeElement.blur(); document.querySelector('details').open = true")
    for _ in range(60):
        question.press("TAB")
        name = question.driver.switch_to.active_element.accessible_name.strip()
        if not question.run("return document.activeElement !== document.body"):
            break
        assert name
        names.append(name)
    controls = {"stride", "padding lo", "symbolic", "groups", "Play", "step", "tconv", "Copy"}
    assert controls <= set(names)
    roles = question.run(
        "return ['grid', 'row', 'gridcell', 'tablist', 'tab', 'tabpanel'].map((role) =>"
        "document.querySelectorAll(`[role=${role}]`).length > 0)"
    )
    assert all(roles)
    labelled = (
        "return [...document.querySelectorAll('svg[role=img]')].every((one) => one.ariaLabel)"
    )
    assert question.run(labelled)


def test_playing_scrubbing_and_pausing(question):
    question.set("#scrub", 5)
    assert question.text("#where").startswith("x[1, 1]")
    first = reference.conv_transpose(
        np.where(np.arange(16).reshape(1, 4, 4) <= 5, 1, 0), np.arange(1, 17).reshape(1, 1, 4, 4),
        stride=2, padding=1,
    )  # fmt: skip
    drawn = question.run(
        "return [...document.querySelectorAll('#view-distribution g:not(.marks) > [data-key]')]"
        ".filter((cell) => !cell.querySelector('.crop'))"
        ".map((cell) => cell.querySelector('.number').textContent)"
    )
    assert [int(text) for text in drawn] == first.ravel().tolist()
    question.find("input[value=collection]").click()
    question.set("#scrub", 9)
    assert question.text("#where").startswith("y[1, 1]")
    assert question.lit("y") == {(1, 1)}
    question.find("#play").click()
    question.driver.execute_async_script("setTimeout(arguments[0], 700)")
    assert question.text("#play") == "Pause"
    question.find("#play").click()
    question.settle()
    at = question.text("#where")
    assert not at.startswith("y[1, 1]")
    question.driver.execute_async_script("setTimeout(arguments[0], 400)")
    assert question.text("#where") == at


def address(browser: Browser) -> str:
    """What follows # once the page has written it."""
    browser.driver.execute_async_script("setTimeout(arguments[0], 250)")
    return browser.run("return location.hash.slice(1)")


@pytest.mark.parametrize("problem", LIT, ids=repr)
def test_the_link_brings_everything_back(browser, problem):
    browser.open(page(data_of(problem)))
    index = ",".join("1" for _ in problem.input_size)
    browser.find(f"[role=gridcell][data-key='y:{index}']").click()
    browser.point("h1")
    told, shown, link = browser.text("#telling"), browser.values(), address(browser)
    other = Problem((3,), (2,), stride=3, batch=4, seed=9)
    browser.open(page(data_of(other)), link)
    assert browser.values() == shown
    assert browser.text("#telling") == told
    assert address(browser) == link


@pytest.mark.parametrize("mode", ["count", "random", "symbolic"])
def test_the_link_keeps_the_kind_of_values(question, mode):
    question.find(f"[data-mode={mode}]").click()
    question.settle()
    shown, link = question.text("#grid-y"), address(question)
    question.open(page(data_of(LIT[0])), link)
    assert question.text("#grid-y") == shown
    assert question.find(f"[data-mode={mode}]").get_attribute("aria-pressed") == "true"


def test_a_broken_link_leaves_the_page_as_it_is(question):
    before = question.values()
    broken = "input_size=a", "nonsense", "input_size=3,3&stride=1,2,3", "input_size=3&padding=1"
    for fragment in (*broken, "at=y:1"):
        question.show(fragment)
        assert question.values() == before
    question.show("input_size=4,4&kernel_size=4,4&stride=0,2")
    assert question.text("#refusal").startswith("stride, spatial axis 0: must be at least 1; got 0")
    question.show("input_size=900,900&kernel_size=3,3")
    assert "more numbers than a page can show" in question.text("#unshown")


def test_a_bias_can_be_added_and_changed(question):
    before = question.values()
    question.run("document.querySelector('details').open = true")
    question.find("#bias").click()
    question.settle()
    assert question.values() == {index: value + 1 for index, value in before.items()}
    question.set("#bias-value", -3)
    assert question.values() == {index: value - 3 for index, value in before.items()}
    question.hover("y:0,0")
    assert question.text("#telling").endswith("= 1·6 + (\N{MINUS SIGN}3)= 3")


def test_empty_arrays(browser):
    problem = Problem((2,), (2,), batch=0)
    browser.open(page(data_of(problem)))
    assert "empty" in browser.text("#unshown")
    browser.find("#one-channel").click()
    browser.settle()
    assert list(browser.values().values()) == [1, 3, 2]


def test_one_channel_of_a_layer(question):
    question.show("input_size=32,32&kernel_size=4,4&stride=2,2&in_channels=64&out_channels=32")
    assert not question.find("#grid-y").is_displayed()
    question.find("#one-channel").click()
    question.settle()
    assert question.text("#size-y").startswith("66")
    assert "first 32" in question.text("#cut")
    assert len(question.values()) == 32 * 32


def test_every_case_works(question):
    titles = question.run("return [...document.getElementById('cases').options].map((o) => o.text)")
    titles = titles[1:]
    for title in titles:
        question.run(
            "const menu = document.getElementById('cases'); menu.value = arguments[0];"
            "menu.dispatchEvent(new Event('change'))",
            title,
        )
        question.settle()
        assert question.numbers("data-sum") == pytest.approx(
            [sum(question.numbers("data-product"))]
        ), title
    assert len(titles) >= 8


def test_symbols(browser):
    problem = Problem((2,), (2,), batch=None)
    browser.open(page(data_of(problem, x=None, w=None)))
    browser.hover("y:1")
    assert browser.text("#telling") == "y[1] = x[0]·w[1] + x[1]·w[0]"
    assert browser.text("#grid-x") == "x0x1"


def test_numbers_that_json_lacks_and_texts_that_html_minds(browser):
    x = [[[1.0, float("nan"), float("-inf")]]]
    text = page(data_of(Problem((3,), (1,)), x=x, w=[[[2.0]]], dtype="</script><b>"))
    assert text.count("</script>") == 2
    browser.open(text)
    shown = browser.values()
    assert shown[0,] == 2
    assert np.isnan(shown[1,])
    assert shown[2,] == -np.inf


def test_inside_a_notebooks_frame(browser):
    inner = html.escape(page(data_of(LIT[1])))
    frame = f'<iframe width="900" height="700" srcdoc="{inner}"></iframe>'
    browser.open(f"<!doctype html><title>notebook</title>{frame}")
    browser.driver.switch_to.frame(0)
    browser.settle()
    assert_shows(browser, expected(LIT[1])[0, 0])
    assert not browser.find("#link").is_displayed()
    browser.set(slider("lo", 0), 0)
    assert len(browser.values()) > expected(LIT[1])[0, 0].size
    browser.driver.switch_to.default_content()


def emulate(browser: Browser, **features: str) -> None:
    named = [{"name": key.replace("_", "-"), "value": value} for key, value in features.items()]
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": named})


def test_dark_light_and_still(question):
    ground = "return getComputedStyle(document.body).backgroundColor"
    moving = "return getComputedStyle(document.querySelector('.cell')).transitionDuration"
    assert question.run(moving) != "0s"
    emulate(question, prefers_color_scheme="light", prefers_reduced_motion="reduce")
    light = question.run(ground)
    assert question.run(moving) == "0s"
    emulate(question, prefers_color_scheme="dark")
    dark = question.run(ground)
    assert dark != light
    question.find("#theme").click()
    assert question.run(ground) == light
    emulate(question)


@pytest.mark.parametrize("width", [1280, 420])
def test_nothing_is_wider_than_the_window(question, width):
    question.driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
    )
    for fragment in (
        "input_size=8,8&kernel_size=6,6&stride=5,5&values=random&at=y:3,3",
        "input_size=16&kernel_size=6&stride=5&values=symbolic&at=x:3",
        fragment_of(LIT[1], at="w:0,1"),
    ):
        question.show(fragment)
        assert question.run("return document.documentElement.scrollWidth") <= width
    question.show("input_size=4,4&kernel_size=4,4&stride=2,2&padding=1:1,1:1&at=y:0,1")
    overflowing = (
        "return [...document.querySelectorAll('.scroll')]"
        ".filter((box) => box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight)"
        ".map((box) => box.id)"
    )
    assert question.run(overflowing) == []
    question.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

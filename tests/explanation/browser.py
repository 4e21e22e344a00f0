"""The page in headless Chromium, read through its document, and the problems it is given."""

from __future__ import annotations

import json
import shutil
import time
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tconv.testing import Problem, reference

FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--window-size=1280,900"),
)
# The image of ones under the kernel 1 ... 16: why 6, why 12?
QUESTION = Problem((4, 4), (4, 4), stride=2, padding=1, batch=None)
# Small problems whose every cell is pointed at.
LIT = [
    Problem((4,), (3,), stride=2, padding=((1, 0),), output_padding=1, dilation=2, batch=None),
    Problem((3, 2), (2, 3), stride=(1, 2), padding=1, in_channels=2, bias=True, seed=4),
    Problem((2, 3), (2, 2), stride=3, padding=((-1, 1), (0, 2)), seed=5),
]
FRAMES = "const frames = (then) => requestAnimationFrame(() => requestAnimationFrame(then));"


def launched(folder: Path) -> Any:
    """A driver of a fresh Chromium that keeps its profile in the folder; skips where none is."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium drives the browser")
    from selenium.webdriver.chrome.service import Service

    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("needs chromium and chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    started = webdriver.Chrome(options=options, service=Service(driver))
    started.set_script_timeout(20)
    started.get("about:blank")
    started.get_log("performance")  # what the browser's own first page has asked for
    return started


class Browser:
    """A page in the browser, read through its document alone."""

    def __init__(self, driver: Any, folder: Path) -> None:
        self.driver = driver
        self.folder = folder
        self.opened = ""

    def open(self, text: str, fragment: str = "") -> None:
        """The page from a file of its own."""
        path = self.folder / "page.html"
        path.write_text(text, "utf-8")
        self.opened = text
        self.driver.get("about:blank")
        self.driver.get(f"{path.as_uri()}{fragment and '#'}{fragment}")
        self.settle()

    def show(self, fragment: str) -> None:
        """The open page at another address."""
        self.driver.execute_async_script(
            f"{FRAMES} const [text, done] = arguments;"
            "if (location.hash === '#' + text) return done();"
            "addEventListener('hashchange', () => frames(done), {once: true});"
            "location.hash = text;",
            fragment,
        )

    def settle(self) -> None:
        self.driver.execute_async_script(f"{FRAMES} frames(arguments[0])")

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def find(self, selector: str) -> Any:
        return self.driver.find_element("css selector", selector)

    def text(self, selector: str) -> str:
        return self.run("return document.querySelector(arguments[0]).textContent", selector)

    def set(self, selector: str, value: int) -> None:
        """Moves a slider or fills a field, as a reader's input does."""
        self.run(
            "const one = document.querySelector(arguments[0]); one.value = arguments[1];"
            "one.dispatchEvent(new Event('input', {bubbles: true}));",
            selector,
            value,
        )
        self.settle()

    def hover(self, key: str) -> None:
        """Moves the pointer to the cell of this key."""
        self.point(f"[role=gridcell][data-key='{key}']")

    def point(self, selector: str) -> None:
        found = self.find(selector)
        self.run("arguments[0].scrollIntoView({block: 'center'})", found)
        self.actions().move_to_element(found).perform()
        self.settle()

    def actions(self) -> Any:
        from selenium.webdriver.common.action_chains import ActionChains

        return ActionChains(self.driver, duration=0)

    def press(self, *keys: str) -> None:
        """Presses keys one after the other: characters, or names such as ESCAPE."""
        from selenium.webdriver.common.keys import Keys

        for key in keys:
            self.actions().send_keys(getattr(Keys, key, key)).perform()
            self.settle()

    def values(self) -> dict[tuple[int, ...], float]:
        """The output values that stand in the grid, the cropped ones left out."""
        cells = self.run(
            "return [...document.querySelectorAll('#grid-y .cell:not(.crop)')]"
            ".map((cell) => [cell.dataset.key, cell.dataset.value])"
        )
        return {tuple(map(int, key[2:].split(","))): float(value) for key, value in cells}

    def lit(self, kind: str) -> set[tuple[int, ...]]:
        keys = self.run(
            "return [...document.querySelectorAll(`#grid-${arguments[0]} .lit`)]"
            ".map((cell) => cell.dataset.key)",
            kind,
        )
        return {tuple(map(int, key[2:].split(","))) for key in keys}

    def numbers(self, attribute: str) -> list[float]:
        """The numbers that the explanation holds under this attribute."""
        name = attribute.removeprefix("data-")
        script = (
            "const [selector, name] = arguments;"
            "return [...document.querySelectorAll(selector)].map((one) => one.dataset[name])"
        )
        return [float(text) for text in self.run(script, f"#telling [{attribute}]", name)]

    def complaints(self) -> list[str]:
        """What the console holds, and every address that was asked for beside the page's."""
        said = [entry["message"] for entry in self.driver.get_log("browser")]
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                address = message["params"]["request"]["url"]
                if not address.startswith((self.folder.as_uri(), "data:,", "about:")):
                    said.append(address)
        return said


def data_of(problem: Problem, **change: Any) -> dict[str, Any]:
    """What ``page`` takes for a problem."""
    x, w, b = problem.arrays()
    names = ("input_size", "kernel_size", "stride", "output_padding", "dilation", "groups")
    parameters = {name: getattr(problem, name) for name in (*names, "in_channels", "out_channels")}
    return {
        "parameters": parameters
        | {"padding": problem.padding, "batch": problem.batch, "axes": problem.ndim},
        "x": x.tolist(),
        "w": w.tolist(),
        "b": None if b is None else b.tolist(),
        "y": None,
        "dtype": problem.dtype,
        **change,
    }


def fragment_of(problem: Problem, **more: Any) -> str:
    """The address of a problem with its values."""
    entries = {
        name: ",".join(map(str, getattr(problem, name)))
        for name in ("input_size", "kernel_size", "stride", "dilation", "output_padding")
    }
    entries["padding"] = ",".join(f"{lo}:{hi}" for lo, hi in problem.padding)
    entries |= {name: getattr(problem, name) for name in ("groups", "in_channels", "out_channels")}
    if problem.batch is not None:
        entries["batch"] = problem.batch
    x, w, b = problem.arrays()
    entries["values"] = "given"
    for letter, array in (("x", x), ("w", w), ("b", b)):
        if array is not None:
            entries[letter] = ",".join(repr(float(value)) for value in array.ravel())
    return "&".join(f"{name}={value}" for name, value in (entries | more).items())


def drawn_problem(seed: int) -> Problem:
    """A small valid problem, the same for the same seed."""
    rng = np.random.default_rng([seed, 14])
    axes = int(rng.choice([1, 2, 2, 3]))
    most = {1: 7, 2: 4, 3: 3}[axes]

    def draw(low: int, high: int) -> tuple[int, ...]:
        return tuple(rng.integers(low, high, axes, endpoint=True).tolist())

    while True:
        stride, dilation, groups = draw(1, 3), draw(1, 2), int(rng.integers(1, 3))
        most_ending = [max(pair) for pair in zip(stride, dilation, strict=True)]
        problem = Problem(
            draw(1, most),
            draw(1, most),
            stride=stride,
            dilation=dilation,
            padding=tuple(zip(draw(-1, 2), draw(-1, 2), strict=True)),
            output_padding=tuple(int(rng.integers(0, limit)) for limit in most_ending),
            groups=groups,
            in_channels=groups * int(rng.integers(1, 3)),
            out_channels=groups * int(rng.integers(1, 3)),
            batch=None if rng.integers(2) else int(rng.integers(1, 3)),
            bias=bool(rng.integers(2)),
            dtype=str(rng.choice(["float32", "int64"])),
            seed=seed,
        )
        if problem.valid:
            return problem


def expected(problem: Problem) -> Any:
    """The result with a batch axis."""
    y = reference.conv_transpose(*problem.arrays(), **problem.keywords)
    return np.asarray(y, np.float64).reshape(problem.batch or 1, *y.shape[-problem.ndim - 1 :])


def assert_shows(browser: Browser, y: Any) -> None:
    """The output grid holds y, or of three axes the slice that is shown."""
    shown, end = browser.values(), time.monotonic() + 5
    while len(shown) != prod(y.shape[-2:]) and time.monotonic() < end:  # another address draws anew
        browser.settle()
        shown = browser.values()
    if y.ndim == 3:
        depths = {index[0] for index in shown}
        assert len(depths) == 1
        depth = depths.pop()
        assert set(shown) == {(depth, *index) for index in np.ndindex(y.shape[1:])}
    else:
        assert set(shown) == set(np.ndindex(y.shape))
    scale = max(1.0, np.abs(y).max())  # sums of at most a few hundred products, in float64
    for index, value in shown.items():
        assert abs(value - y[index]) <= 1e-12 * scale, index

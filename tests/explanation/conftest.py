"""One browser for all tests of the page."""

from __future__ import annotations

import numpy as np
import pytest

from tconv.explanation.page import page
from tests.explanation.browser import QUESTION, Browser, data_of, launched


@pytest.fixture(scope="session")
def started_browser(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    driver = launched(folder)
    yield Browser(driver, folder)
    driver.quit()


@pytest.fixture
def browser(started_browser):
    """The browser, whose console must stay empty and which must ask for nothing."""
    yield started_browser
    assert started_browser.complaints() == []


@pytest.fixture
def question(browser):
    """The image of ones under the kernel 1 ... 16: why 6, why 12?"""
    x, w = np.ones((1, 4, 4)), np.arange(1.0, 17).reshape(1, 1, 4, 4)
    browser.open(page(data_of(QUESTION, x=x.tolist(), w=w.tolist())))
    return browser

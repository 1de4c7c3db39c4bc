"""Nothing jumps while a page loads: the browser itself says how far things moved."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from accounts.models import User
from tests.browser.conftest import sign_in
from tests.diagnosis.views.conftest import answered_study
from tests.factories import SimilarInstanceFactory

pytestmark = pytest.mark.browser

MOST = 0.1
"""What web.dev's Core Web Vitals call good."""
LISTEN = """
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""


@pytest.mark.parametrize("width", ["wide", "phone"])
def test_nothing_jumps_while_a_page_loads(open_page: Callable[..., Page], rhea: User, width: str) -> None:
    read = answered_study(rhea, seed=1)
    SimilarInstanceFactory.create(analysis=read.analysis, instance=answered_study(rhea, seed=2).instance)
    page = sign_in(open_page(width), rhea)
    page.add_init_script(LISTEN)
    for address in ("/", f"/studies/{read.study.pk}/", "/upload/"):
        page.goto(address)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("PerformanceObserver.supportedEntryTypes.includes('layout-shift')")
        assert page.evaluate("window.shifted") < MOST, address

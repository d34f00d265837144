"""The site as a person uses it: in a browser, from the folder, with the network cut."""

import json
import re
from urllib.parse import unquote, urldefrag

import browsing
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

# Without a browser nothing here can be seen, and the run's summary says so with this reason; .ci/run installs one. The
# first test waits for the site to be built, which may take five minutes of a slow machine.
pytestmark = [pytest.mark.timeout(600), pytest.mark.skipif(bool(browsing.missing()), reason=browsing.missing())]


class Browser:
    """A browser on a site; every visit waits until charts are drawn and tables can be sorted."""

    def __init__(self, driver, site):
        self.driver, self.site = driver, site

    def visit(self, page: str) -> None:
        self.driver.get((self.site / f"{page}.html").as_uri())
        self.wait(lambda: not self.find(".chart:not([data-ready]), table.sortable:not([data-ready])"))

    def find(self, selector: str) -> list:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def wait(self, until) -> None:
        WebDriverWait(self.driver, 60).until(lambda _: until())

    def shown(self, selector: str) -> list[str]:
        """Texts of the elements, as the page has them at this moment."""
        texts = "return [...document.querySelectorAll(arguments[0])].map(e => e.textContent.trim())"
        return self.driver.execute_script(texts, selector)

    def complaints(self) -> list[str]:
        return [line["message"] for line in self.driver.get_log("browser") if line["level"] in ("SEVERE", "WARNING")]

    def asked_outside(self) -> list[str]:
        """Addresses outside the folder that any page asked for."""
        events = [json.loads(line["message"])["message"] for line in self.driver.get_log("performance")]
        sent = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
        return [url for url in sent if not url.startswith(("file:", "data:", "blob:"))]


@pytest.fixture(scope="module")
def browser(site):
    driver = browsing.open_browser()
    driver.set_window_size(1280, 900)
    yield Browser(driver, site)
    driver.quit()


@pytest.fixture(autouse=True)
def no_complaints(browser):
    yield
    assert browser.complaints() == []
    assert browser.asked_outside() == []


def test_filters_leave_the_claims_that_fit(browser):
    browser.visit("index")
    every = len(browser.find("#ledger tbody tr"))
    for name, column in (("verdict", 2), ("family", 6), ("scale", 7)):
        chooser = Select(browser.find(f"#by-{name}")[0])
        value = chooser.options[1].text
        chooser.select_by_visible_text(value)
        cells = browser.shown(f"#ledger tbody td:nth-child({column})")
        assert 0 < len(cells) <= every
        assert all(value in cell for cell in cells)
        chooser.select_by_visible_text("all")
    assert len(browser.find("#ledger tbody tr")) == every


def test_a_search_in_the_table_finds_a_claim(browser):
    browser.visit("index")
    browser.find(".dt-search input")[0].send_keys("training error worse")
    assert browser.shown("#ledger tbody tr td:first-child") == ["Plain networks train worse past some depth"]


def test_a_click_on_a_head_sorts_by_effect(browser):
    browser.visit("index")
    orders = []
    for direction in ("ascending", "descending"):
        browser.find("#ledger thead th.effect")[0].click()
        browser.wait(lambda way=direction: browser.find(f"#ledger thead th.effect[aria-sort='{way}']"))
        values = "return [...document.querySelectorAll('#ledger td.effect')].map(e => parseFloat(e.dataset.order))"
        orders.append(browser.driver.execute_script(values))
    assert orders[0] == sorted(orders[0])
    assert orders[1] == orders[0][::-1]


def test_search_over_all_pages_finds_a_study(browser):
    browser.visit("search")
    browser.find("form input[name=q]")[-1].send_keys("shortcuts", Keys.ENTER)
    browser.wait(lambda: browser.find("#search-results a"))
    browser.wait(lambda: any("residual" in link.lower() for link in browser.shown("#search-results a")))


def test_the_theme_switches_charts_too(browser):
    browser.visit("zoo")
    colours = set()
    for _ in range(3):
        fill = "return getComputedStyle(document.querySelector('.role-legend-symbol path')).fill"
        colours.add(browser.driver.execute_script(fill))
        next(button for button in browser.find("button.theme-toggle") if button.is_displayed()).click()
    assert len(colours) == 2


def test_families_scales_and_axes_of_the_zoo(browser):
    browser.visit("zoo")
    marks = "return document.querySelectorAll('.chart .mark-symbol path[aria-label*=\"test error\"]').length"
    every = browser.driver.execute_script(marks)
    residual = next(label for label in browser.find(".vega-bind label") if label.text.strip() == "Residual")
    residual.find_element(By.TAG_NAME, "input").send_keys(Keys.SPACE)
    browser.wait(lambda: 0 < browser.driver.execute_script(marks) < every)
    before = browser.shown(".chart .mark-text text")
    cost = next(one for one in browser.find(".vega-bind select") if "parameters" in one.text)
    Select(cost).select_by_visible_text("parameters")
    browser.wait(lambda: browser.shown(".chart .mark-text text") != before)


def test_hovering_shows_a_network_and_a_click_opens_its_page(browser):
    browser.visit("zoo")
    named = ".chart .mark-symbol path[aria-label*='network: LeNet-5;']"
    browser.wait(lambda: browser.find(named))
    dot = browser.find(named)[0]
    browser.driver.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", dot)
    ActionChains(browser.driver).move_to_element(dot).perform()
    browser.wait(lambda: browser.find("#vg-tooltip-element.visible"))
    assert "LeNet-5" in browser.find("#vg-tooltip-element")[0].text
    ActionChains(browser.driver).click(dot).perform()
    browser.wait(lambda: browser.shown("h1")[0].startswith("lenet5"))


def test_arms_bands_and_seeds_of_the_curves(browser):
    browser.visit("studies/residual_vs_plain")

    def lines() -> int:
        return len(browser.find("#error-by-epoch .mark-line path"))

    def press(name: str) -> None:
        label = next(one for one in browser.find("#error-by-epoch .vega-bind label") if one.text.strip() == name)
        label.find_element(By.TAG_NAME, "input").send_keys(Keys.SPACE)

    means = lines()
    assert len(browser.find("#error-by-epoch .mark-area path")) == means > 1
    press("each seed")
    browser.wait(lambda: lines() > means)
    press("Plain-56")
    press("each seed")
    browser.wait(lambda: lines() == means - 1)
    press("95 % intervals")
    browser.wait(lambda: not browser.find("#error-by-epoch .mark-area path"))


def test_a_phone_shows_claim_verdict_and_effect(browser):
    metrics = {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        for page in ("index", "zoo", "studies/residual_vs_plain", "networks/resnet20"):
            browser.visit(page)
            assert browser.driver.execute_script("return document.documentElement.scrollWidth") <= 400, page
        browser.visit("index")
        heads = [head.text.split(",")[0].strip() for head in browser.find("#ledger thead th") if head.is_displayed()]
        assert heads == ["Claim", "Verdict", "Effect"]
    finally:
        browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_every_page_opens_quietly_and_every_link_leads_somewhere(browser, site):
    anchors: dict[str, set[str]] = {}
    links: dict[str, set[str]] = {}
    for path in sorted(site.rglob("*.html")):
        browser.visit(path.relative_to(site).with_suffix("").as_posix())
        ids = "return [...document.querySelectorAll('[id]')].map(e => e.id)"
        hrefs = "return [...document.querySelectorAll('a[href]')].map(e => e.href)"
        anchors[path.as_uri()] = set(browser.driver.execute_script(ids))
        links[path.as_uri()] = set(browser.driver.execute_script(hrefs))
    inside = {link for found in links.values() for link in found if link.startswith("file:")}
    assert len(inside) > len(anchors)
    lost = []
    for link in inside:
        page, anchor = urldefrag(link)
        if page not in anchors or (anchor and unquote(anchor) not in anchors[page]):
            lost.append(link)
    assert lost == []
    outside = {link for found in links.values() for link in found} - inside
    assert all(re.match(r"https://(arxiv\.org/abs/[0-9.]+$|github\.com/pradyunsg/furo)", link) for link in outside)


def test_the_layers_of_a_network_are_drawn_from_input_to_output(browser):
    browser.visit("networks/resnet20")
    bars = browser.find(".chart .mark-rect path")
    drawn = [bar.get_attribute("aria-label") for bar in sorted(bars, key=lambda bar: bar.rect["x"])]
    layers = [re.search(r"layer: ([^;]+);", label)[1] for label in drawn]
    assert len(layers) > 60
    assert layers[:24] == browser.shown("table.numbers tbody tr td:first-child")[:24]


def test_charts_say_in_words_what_they_show(browser):
    for page in ("zoo", "studies/lesion", "networks/resnet20"):
        browser.visit(page)
        drawn = browser.find(".chart .vega-embed")
        assert drawn
        assert all(len(drawing.get_attribute("aria-label")) > 20 for drawing in drawn)

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

from deeper.cost.networks import PaperNetwork
from deeper.site import charts, zoo

# Without a browser nothing here can be seen, and the run's summary says so with this reason; .ci/run installs one. The
# first test waits for the site to be built, which may take five minutes of a slow machine.
pytestmark = [pytest.mark.timeout(600), pytest.mark.skipif(bool(browsing.missing()), reason=browsing.missing())]


IS_THERE = """
return document.URL === arguments[0] && document.readyState === "complete"
  && !document.querySelector(".chart:not([data-ready]), table.sortable:not([data-ready])")
"""


class Browser:
    """A browser on a site; every visit waits until charts are drawn and tables can be sorted."""

    def __init__(self, driver, site):
        self.driver, self.site = driver, site

    def visit(self, page: str) -> None:
        """One question at once: asked in parts, a page on its way out has been taken for the new one, drawn already."""
        address = (self.site / f"{page}.html").as_uri()
        self.driver.get(address)
        self.wait(lambda: self.driver.execute_script(IS_THERE, address))

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


LINES = ", ".join(f"#{name} tbody tr[data-claim]" for name in ("ledger", "undecided", "counted"))


def test_filters_leave_the_claims_that_fit(browser):
    browser.visit("index")
    every = len(browser.find(LINES))
    for name, column in (("verdict", 2), ("family", 6), ("scale", 7)):
        chooser = Select(browser.find(f"#by-{name}")[0])
        value = chooser.options[1].text
        chooser.select_by_visible_text(value)
        cells = "return [...document.querySelectorAll(arguments[0])].map(e => e.dataset.search || e.textContent)"
        found = browser.driver.execute_script(
            cells, ", ".join(f"{line} td:nth-child({column})" for line in LINES.split(", "))
        )
        assert 0 < len(found) <= every
        assert all(value in cell for cell in found)
        chooser.select_by_visible_text("all")
    assert len(browser.find(LINES)) == every


def test_a_search_in_the_ledger_finds_a_claim(browser):
    browser.visit("index")
    browser.find("#find")[0].send_keys("training error worse")
    assert browser.shown("#ledger tbody tr td:first-child") == ["Plain networks train worse past some depth"]


def test_a_choice_opens_the_folded_claims_that_fit_and_closes_them_again(browser):
    browser.visit("index")
    [fold] = browser.find("#fold-undecided")
    assert not fold.get_property("open")
    folded = browser.shown("#undecided tbody tr td:first-child")[0]
    box = browser.find("#find")[0]
    box.send_keys(folded)
    browser.wait(lambda: fold.get_property("open"))
    assert folded in browser.shown("#undecided tbody tr td:first-child")
    assert "found" in browser.shown("#fold-undecided summary")[0]
    box.send_keys(" and something else")
    browser.wait(lambda: not fold.is_displayed())
    box.send_keys(Keys.CONTROL, "a")
    box.send_keys(Keys.DELETE)
    browser.wait(lambda: fold.is_displayed() and not fold.get_property("open"))


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


def test_a_search_puts_networks_last_and_says_which_ledger_a_study_is_of(browser):
    browser.visit("search")
    browser.find("form input[name=q]")[-1].send_keys("layers", Keys.ENTER)
    browser.wait(lambda: any("networks/" in link.get_attribute("href") for link in browser.find("#search-results a")))
    browser.wait(lambda: "found" in browser.shown(".search-summary, #search-results")[0].lower())
    links = [(link.get_attribute("href"), link.text) for link in browser.find("#search-results li > a")]
    are_networks = ["/networks/" in href and "index" not in href for href, _ in links]
    assert are_networks == sorted(are_networks)
    named = {href.split("/studies/")[1].split(".")[0]: text for href, text in links if "/studies/" in href}
    assert named["lesion"].endswith("(first ledger)")
    assert not named["record-depth_vs_width"].endswith("(first ledger)")


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


def test_a_scale_whose_times_do_not_compare_says_so(browser, untimed_site):
    own = Browser(browser.driver, untimed_site)
    own.visit("zoo")
    names = ".names text:not([opacity='0'])"
    own.wait(lambda: len(own.find(names)) > 2)
    lists = [Select(one) for one in own.find(".vega-bind select")]
    choices = {option.text: found for found in lists for option in found.options}
    choices["seconds of training"].select_by_visible_text("seconds of training")
    assert zoo.UNTIMED not in own.shown(".mark-text text")
    [whole] = [said for said in choices if said.startswith("●●●○")]
    choices[whole].select_by_visible_text(whole)
    own.wait(lambda: zoo.UNTIMED in own.shown(".mark-text text"))


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
    browser.wait(lambda: browser.shown("h1")[0].startswith("LeNet-5 (lenet5)"))


@pytest.mark.parametrize("width", [1280, 400])
def test_a_name_of_the_zoo_stands_at_its_dot_and_covers_none(browser, width):
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        browser.visit("zoo")
        names = next(one for one in browser.find(".vega-bind select") if "least error" in one.text)
        Select(names).select_by_visible_text("all that have room")
        boxes = """
            const box = (e) => { const r = e.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]; };
            const boxes = (found) => [...document.querySelectorAll(found)].map(box);
            const names = ".names text:not([opacity='0'])";
            return [boxes(names), boxes(".mark-symbol path[aria-label*='family:']")];
        """
        browser.wait(lambda: len(browser.driver.execute_script(boxes)[0]) > 8)
        written, dots = browser.driver.execute_script(boxes)
        for left, top, right, bottom in written:
            # Pixels between a name and a dot; letters are less high than their box.
            gaps = [max(x - right, left - x2, y - bottom + 4, top + 4 - y2) for x, y, x2, y2 in dots]
            assert -3 < min(gaps) < 12
    finally:
        browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_heads_stand_where_their_numbers_stand(browser):
    wrong = """
        return [...document.querySelectorAll("table.numbers")].flatMap((table) => {
          const heads = [...table.tHead.rows[0].cells];
          return heads.filter((head, place) => {
            const cells = [...table.tBodies[0].rows].map((row) => row.cells[place]).filter(Boolean);
            if (!cells.length || !cells.every((cell) => cell.classList.contains("n"))) return false;
            return !["right", "end"].includes(getComputedStyle(head).textAlign);
          }).map((head) => head.textContent);
        });
    """
    for page in ("zoo", "networks/index", "networks/resnet20", "studies/lesion", "studies/record-depth_vs_width"):
        browser.visit(page)
        assert browser.driver.execute_script(wrong) == [], page


def test_a_study_shows_first_what_decides(browser):
    browser.visit("studies/residual_vs_plain")
    charts = "return [...document.querySelectorAll('.chart')].map(e => e.closest('section').id)"
    order = list(dict.fromkeys(browser.driver.execute_script(charts)))
    assert order[:2] == ["differences", "errors-at-the-end"]
    assert order[-1] == "error-by-epoch"
    for error in (".vega-bind select option:checked",):
        assert browser.shown(f"#errors-at-the-end {error}") == ["test error"]


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


PAGES_OF_CHARTS = (
    *("zoo", "networks/vgg16", "studies/lesion", "studies/record-depth_vs_width", "studies/residual_vs_plain"),
    *("studies/transfer", "studies/zoo"),
)
MOVED = """
const input = arguments[0], change = new Event("input", {bubbles: true});
if (input.tagName === "SELECT") input.selectedIndex = arguments[1];
else if (input.type === "checkbox") { input.click(); return; }
else input.value = arguments[1] ? input.max : input.min;
input.dispatchEvent(change);
input.dispatchEvent(new Event("change", {bubbles: true}));
"""


@pytest.mark.parametrize("page", PAGES_OF_CHARTS)
def test_every_control_changes_what_is_drawn(browser, page):
    browser.visit(page)
    drawn = "return arguments[0].closest('.chart').querySelector('svg').outerHTML"
    controls = browser.find(".chart .vega-bind select, .chart .vega-bind input")
    assert controls or page == "networks/vgg16"
    for control in controls:
        label = control.find_element(By.XPATH, "./ancestor::*[contains(@class, 'vega-bind')]").text
        before = browser.driver.execute_script(drawn, control)
        if control.tag_name == "select":
            chosen, count = (int(control.get_property(name)) for name in ("selectedIndex", "length"))
            values = [*(place for place in range(count) if place != chosen), chosen]
        else:
            values = [0, 1]  # a box off and on again; a slider to its least and to its most
        seen = [before]
        for value in values:
            browser.driver.execute_script(MOVED, control, value)
            browser.driver.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
            seen.append(browser.driver.execute_script(drawn, control))
        assert len(set(seen)) > 1 or len(values) == 1, (page, label)


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
        dots = browser.find("#ledger tbody tr:first-child .scale")
        assert next(one.text for one in dots if one.is_displayed()).startswith("●")
        browser.visit("studies/residual_vs_plain")
        icons = [one.rect for one in browser.find(".header-right svg") if one.is_displayed()]
        ends = sorted((one["x"], one["x"] + one["width"]) for one in icons)
        assert len(ends) == 2
        assert ends[0][1] + 8 < ends[1][0]
        heads = browser.shown("#arms thead th")
        assert heads.index("Test error") < heads.index("Parameters")
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


def test_blocks_with_branches_are_drawn(browser):
    browser.visit("networks/resnet20")
    same, wider = browser.find("svg.branches")
    assert [text.text for text in same.find_elements("css selector", "text")].count("3×3 convolution") == 2
    assert wider.size["width"] > 100
    assert "7 blocks of this form; the first puts out 16×32×32" in browser.find(".drawings figcaption")[0].text
    assert "<svg" not in browser.find("article")[0].text
    browser.visit("networks/vgg16")
    assert browser.find("svg.branches") == []


def test_the_layers_of_a_network_are_drawn_from_input_to_output(browser):
    browser.visit("networks/resnet20")
    bars = browser.find(".chart .mark-rect path")
    drawn = [bar.get_attribute("aria-label") for bar in sorted(bars, key=lambda bar: bar.rect["x"])]
    layers = [re.search(r"(?:^|; )layer: ([^;]+);", label)[1] for label in drawn]
    assert layers == [layer.name for layer in PaperNetwork("resnet20").layers]
    lines = zip(*(browser.shown(f"#layers td:nth-child({place})") for place in range(1, 7)), strict=True)
    assert ("stages.0.0–2.conv1 ×3", "Conv2d", "16×32×32", "2,304", "2,359,296", "16,384") in list(lines)
    assert "stages.0.1.conv1" not in browser.shown("#layers td:first-child")


def test_charts_look_alike_by_the_one_configuration_of_all_pages(browser):
    for page in ("zoo", "studies/lesion", "networks/resnet20"):
        browser.visit(page)
        fills = "return [...document.querySelectorAll('.role-axis-label text')].map(e => e.getAttribute('fill'))"
        assert set(browser.driver.execute_script(fills)) == {charts.MUTED}, page


def test_charts_say_in_words_what_they_show(browser):
    for page in ("zoo", "studies/lesion", "networks/resnet20"):
        browser.visit(page)
        drawn = browser.find(".chart .vega-embed")
        assert drawn
        assert all(len(drawing.get_attribute("aria-label")) > 20 for drawing in drawn)

"""A headless browser for tests of the site: Debian's Chromium, driven by its own chromedriver."""

import shutil

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def missing() -> str:
    """Why no browser can be driven here; empty where one can."""
    lacking = [] if any(map(shutil.which, BROWSERS)) else ["chromium"]
    lacking += [] if shutil.which("chromedriver") else ["chromedriver"]
    if not lacking:
        return ""
    return f"no {' and no '.join(lacking)} on the path; on Debian: apt-get install chromium chromium-driver"


def open_browser() -> webdriver.Chrome:
    """A browser of its own, without a network, that keeps what the console says and what is asked for."""
    options = Options()
    options.binary_location = next(filter(None, map(shutil.which, BROWSERS)))
    # A proxy where nobody listens cuts the network.
    for argument in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "proxy-server=127.0.0.1:9"):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))

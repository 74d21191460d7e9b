#!/usr/bin/env python3
"""Opens report pages in Debian's chromium and looks at them as a reader does.

usage: report_browser.py [--shots DIR] PAGE.html...
Speaks the DevTools protocol over a pipe, so nothing listens and nothing is installed beside the
browser. Ends with 1 and a line for each thing that is wrong.
"""
import base64
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PATIENCE_S = 60


class Browser:
    """One headless browser with one tab."""

    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="wirestorm-browser-")
        to_browser, self.out = os.pipe()
        self.into, from_browser = os.pipe()

        def descriptors():
            # The browser reads commands from 3 and writes answers to 4. Above both first: one of the
            # pipes may lie on them.
            os.dup2(to_browser, 50)
            os.dup2(from_browser, 51)
            os.dup2(50, 3)
            os.dup2(51, 4)

        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
             "--no-first-run", "--disable-background-networking", "--disable-component-update",
             "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars",
             f"--user-data-dir={self.profile}", "--remote-debugging-pipe", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.log,
            close_fds=False, preexec_fn=descriptors, start_new_session=True)
        os.close(to_browser)
        os.close(from_browser)
        self.number = 0
        self.unread = b""
        self.events = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = None
        self.session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")

    def message(self, deadline):
        while b"\0" not in self.unread:
            if not select.select([self.into], [], [], max(0, deadline - time.monotonic()))[0]:
                raise SystemExit("the browser does not answer")
            more = os.read(self.into, 1 << 20)
            if not more:
                self.log.seek(0)
                said = self.log.read().decode(errors="replace")
                raise SystemExit(f"the browser has ended: {said[-2000:]}")
            self.unread += more
        message, self.unread = self.unread.split(b"\0", 1)
        return json.loads(message)

    def send(self, method, **params):
        self.number += 1
        command = {"id": self.number, "method": method, "params": params}
        if getattr(self, "session", None):
            command["sessionId"] = self.session
        data = json.dumps(command).encode() + b"\0"
        while data:
            data = data[os.write(self.out, data):]
        deadline = time.monotonic() + PATIENCE_S
        while True:
            message = self.message(deadline)
            if message.get("id") == self.number:
                if "error" in message:
                    raise SystemExit(f"{method}: {message['error']}")
                return message["result"]
            self.events.append(message)

    def open(self, path):
        self.events.clear()
        self.send("Page.navigate", url="file://" + os.path.abspath(path))
        deadline = time.monotonic() + PATIENCE_S
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self.message(deadline))

    def value(self, expression):
        """What an expression gives; it may be a promise."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True,
                           awaitPromise=True)
        if "exceptionDetails" in answer:
            raise SystemExit(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def settle(self):
        """Two frames: layout, observers and drawing are done."""
        self.value("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def size(self, width, height):
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=False)
        self.settle()

    def mouse(self, kind, x, y, **more):
        self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def key(self, name, text=None):
        code = {"ArrowRight": 39, "Tab": 9, "Enter": 13}.get(name, ord(name[0]))
        more = {"text": text} if text else {}
        self.send("Input.dispatchKeyEvent", type="keyDown", key=name, windowsVirtualKeyCode=code,
                  **more)
        self.send("Input.dispatchKeyEvent", type="keyUp", key=name, windowsVirtualKeyCode=code)

    def shot(self, path):
        size = self.send("Page.getLayoutMetrics")["cssContentSize"]
        data = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=True,
                         clip={"x": 0, "y": 0, "width": size["width"], "height": size["height"],
                               "scale": 1})["data"]
        with open(path, "wb") as out:
            out.write(base64.b64decode(data))

    def close(self):
        try:
            # Its helpers are in its session, and end with it.
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)


# Contrast of every text against what is painted behind it, by WCAG 2; the smallest ones.
CONTRAST = r"""(() => {
  const parse = (text) => {
    const numbers = (text.match(/[\d.]+/g) ?? []).map(Number);
    return { rgb: numbers.slice(0, 3), alpha: numbers.length > 3 ? numbers[3] : 1 };
  };
  const light = (rgb) => rgb.map((c) => c / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const { rgb, alpha } = parse(getComputedStyle(at).backgroundColor);
      if (alpha > 0) return rgb;
    }
    return [255, 255, 255];
  };
  const weak = [];
  for (const element of document.body.querySelectorAll("*")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !element.getClientRects().length || element.closest("script, :disabled")) continue;
    const style = getComputedStyle(element);
    const ink = parse(element.namespaceURI.endsWith("svg") ? style.fill : style.color).rgb;
    const [high, low] = [light(ink), light(behind(element))].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < 4.5) weak.push(`${ratio.toFixed(2)}: ${element.textContent.trim().slice(0, 40)}`);
  }
  for (const line of document.querySelectorAll(".plot g > path, .plot circle:not(.hollow)")) {
    const style = getComputedStyle(line);
    const ink = parse(line.tagName === "path" ? style.stroke : style.fill).rgb;
    const [high, low] = [light(ink), light(behind(line.closest(".plot")))].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < 3) weak.push(`${ratio.toFixed(2)}: a line of a chart`);
  }
  return [...new Set(weak)];
})()"""


# Sorts every table by every column: down, up, and back to the first order.
SORTING = r"""(() => {
  const wrong = [];
  document.querySelectorAll("table.sortable").forEach((table, number) => {
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells];
    const order = () => [...body.rows].map((row) => row.textContent).join();
    const first = order();
    heads.forEach((head, column) => {
      const say = (words) => wrong.push(`table ${number}, column ${column}: ${words}`);
      const toggle = head.querySelector("button");
      if (!toggle) return say("its head is no button");
      const isNumber = head.classList.contains("number");
      const cells = () => [...body.rows].map((row) => row.cells[column])
        .filter((cell) => !isNumber || cell.dataset.value !== undefined)
        .map((cell) => (isNumber ? Number(cell.dataset.value) : cell.textContent));
      const sorted = (down) => cells().every((value, at, all) => at === 0 || (isNumber
        ? (down ? all[at - 1] >= value : all[at - 1] <= value)
        : all[at - 1].localeCompare(value, "en", { numeric: true }) * (down ? -1 : 1) <= 0));
      for (const down of [isNumber, !isNumber]) {
        toggle.click();
        if (!sorted(down)) say(`is not sorted ${down ? "down" : "up"}`);
        if (head.getAttribute("aria-sort") !== (down ? "descending" : "ascending")) say("says not how");
        const unmeasured = [...body.rows].map((row) => row.cells[column].dataset.value === undefined);
        if (isNumber && unmeasured.indexOf(true) >= 0 && unmeasured.lastIndexOf(false) > unmeasured.indexOf(true)) {
          say("what was not measured is not last");
        }
      }
      toggle.click();
      if (order() !== first || head.hasAttribute("aria-sort")) say("the first order does not come back");
    });
  });
  return wrong;
})()"""


class Checks:
    """What a page has to do."""

    def __init__(self, browser, page):
        self.browser = browser
        self.page = page
        self.problems = []

    def that(self, fact, words):
        if not fact:
            self.problems.append(f"{os.path.basename(self.page)}: {words}")
        return fact

    def all(self, shots):
        browser = self.browser
        self.without_scripts()
        # Of the static drawings' width, so that both have the same ticks.
        browser.size(760 + 48, 900)
        browser.open(self.page)
        browser.settle()
        charts = browser.value("document.querySelectorAll('figure.chart').length")
        self.that(charts == browser.value("JSON.parse(document.querySelector('script[type*=json]')"
                                          ".textContent).length"), "charts are missing")
        self.verdict_first()
        for number in range(charts):
            self.chart(number)
        browser.size(1200, 900)
        self.that(browser.value("typeof planted") == "undefined", "a name ran as a script")
        self.folded()
        self.tables()
        for theme in ("light", "dark"):
            self.theme(theme, shots)
        self.phone(shots)
        self.print(shots)
        self.nothing_fetched()

    def verdict_first(self):
        place = self.browser.value(
            "document.querySelector('.verdict .badge').getBoundingClientRect().top")
        self.that(place < 200, f"the verdict stands at {place} pixels")

    def chart(self, number):
        browser = self.browser
        figure = f"document.querySelectorAll('figure.chart')[{number}]"
        browser.value(f"{figure}.scrollIntoView({{block: 'center', behavior: 'instant'}})")
        static = self.static_charts[number]
        labels = browser.value(f"[...{figure}.querySelectorAll('.xtick, .ytick')]"
                               ".map((text) => text.textContent.replaceAll('\\u00a0', ' '))")
        self.that(sorted(labels) == sorted(static),
                  f"chart {number}: the axes are {sorted(labels)}, without scripts {sorted(static)}")
        self.that(browser.value(f"{figure}.querySelectorAll('.plot svg').length") == 1,
                  f"chart {number}: not one drawing")
        marks = f"{figure}.querySelectorAll('.plot g[clip-path] path[d^=M], .plot circle').length"
        if not self.that(browser.value(marks) > 0, f"chart {number} is empty"):
            return
        box = browser.value(f"(() => {{ const b = {figure}.querySelector('svg')"
                            ".getBoundingClientRect(); return [b.x, b.y, b.width, b.height]; })()")
        at = (box[0] + box[2] * 0.5, box[1] + box[3] * 0.5)
        browser.mouse("mouseMoved", *at)
        tip = browser.value(f"{figure}.querySelector('.tip').hidden ? '' : "
                            f"{figure}.querySelector('.tip').innerText")
        self.that(re.search(r"\d", tip), f"chart {number}: hovering shows {tip!r}")
        series = browser.value(f"{figure}.querySelectorAll('.legend .entry').length")
        self.that(series >= 1 and browser.value(f"{figure}.querySelector('.legend').innerText")
                  .splitlines()[0] in tip, f"chart {number}: {tip!r} names no series")

        def ticks():
            return browser.value(f"[...{figure}.querySelectorAll('.xtick')].map((t) => t.textContent)")

        before = ticks()
        browser.mouse("mousePressed", box[0] + box[2] * 0.4, at[1], button="left", clickCount=1)
        browser.mouse("mouseMoved", box[0] + box[2] * 0.5, at[1], button="left", buttons=1)
        browser.mouse("mouseMoved", box[0] + box[2] * 0.7, at[1], button="left", buttons=1)
        browser.mouse("mouseReleased", box[0] + box[2] * 0.7, at[1], button="left", clickCount=1)
        self.that(ticks() != before, f"chart {number}: a drag does not zoom")
        for count in (1, 2):
            browser.mouse("mousePressed", *at, button="left", clickCount=count)
            browser.mouse("mouseReleased", *at, button="left", clickCount=count)
        self.that(ticks() == before, f"chart {number}: a double click does not show all")
        log = f"{figure}.querySelector('.tools button')"
        pressed = browser.value(f"{log}.getAttribute('aria-pressed')")
        browser.value(f"{log}.click()")
        self.that(ticks() != before and browser.value(f"{log}.getAttribute('aria-pressed')") != pressed,
                  f"chart {number}: the x axis does not change")
        browser.value(f"{log}.click()")
        browser.value(f"{figure}.querySelector('svg').focus()")
        browser.key("ArrowRight")
        self.that(browser.value(f"!{figure}.querySelector('.tip').hidden"),
                  f"chart {number}: arrow keys show no value")
        browser.key("+", "+")
        self.that(ticks() != before, f"chart {number}: + does not zoom")
        browser.key("0", "0")
        self.that(ticks() == before, f"chart {number}: 0 does not show all")
        browser.mouse("mouseMoved", 1, 1)

    def tables(self):
        browser = self.browser
        for words in browser.value(SORTING):
            self.that(False, words)
        if browser.value("document.querySelector('table.sortable thead button') !== null"):
            # By the keyboard: a button is one wherever it is.
            head = "document.querySelector('table.sortable thead button')"
            browser.value(f"{head}.focus()")
            browser.key("Enter", "\r")
            self.that(browser.value(f"{head}.closest('th').hasAttribute('aria-sort')"),
                      "Enter on the head of a column does not sort")
            browser.value(f"{head}.click(); {head}.click(); {head}.blur()")

    def folded(self):
        browser = self.browser
        first = "document.querySelector('details')"
        if not browser.value(f"{first} !== null"):
            return
        self.that(not browser.value(f"{first}.open"), "what is folded is open")
        browser.value(f"document.querySelector(`nav a[href='#${{{first}.closest('section').id}}']`).click()")
        browser.settle()
        self.that(browser.value(f"{first}.open"), "a link to what is folded does not open it")
        browser.value("scrollTo(0, 0)")

    def theme(self, theme, shots):
        browser = self.browser
        browser.send("Emulation.setEmulatedMedia",
                     features=[{"name": "prefers-color-scheme", "value": theme}])
        browser.settle()
        paper = "getComputedStyle(document.body).backgroundColor"
        ground = browser.value(paper)
        dark = sum(map(int, re.findall(r"\d+", ground)[:3])) < 200
        self.that(dark == (theme == "dark"), f"the {theme} page is {ground}")
        for words in browser.value(CONTRAST):
            self.that(False, f"too little contrast, {theme}, {words}")
        if shots:
            browser.shot(f"{shots}-{theme}.png")
        if theme == "dark":
            # The other way round, by the button.
            button = "document.querySelector('button.theme')"
            browser.value(f"{button}.click()")
            self.that(browser.value(paper) != ground, "the theme does not change by its button")
            browser.value(f"{button}.click(); {button}.click()")
            browser.send("Emulation.setEmulatedMedia", features=[])

    def phone(self, shots):
        browser = self.browser
        browser.size(390, 844)
        wide = browser.value("document.documentElement.scrollWidth")
        self.that(wide <= 390, f"the page is {wide} pixels wide on a phone of 390")
        if shots:
            browser.shot(f"{shots}-phone.png")
        browser.size(1200, 900)

    def print(self, shots):
        self.browser.value("document.querySelectorAll('details').forEach((at) => { at.open = false; })")
        pdf = base64.b64decode(self.browser.send("Page.printToPDF", preferCSSPageSize=True,
                                                 printBackground=True)["data"])
        path = f"{shots}.pdf" if shots else os.path.join(self.browser.profile, "page.pdf")
        with open(path, "wb") as out:
            out.write(pdf)
        text = subprocess.run(["pdftotext", "-layout", path, "-"], check=True,
                              capture_output=True, text=True).stdout
        pages = text.rstrip("\f").split("\f")
        for number, page in enumerate(pages, 1):
            # A last page may be the end of a list.
            self.that(len(page.split()) > (10 if number < len(pages) else 3), f"page {number} of {len(pages)} is empty")
            self.that(re.search(rf"\b{number}\s*/\s*{len(pages)}\b", page), f"page {number} has no number")
        sizes = subprocess.run(["pdfinfo", path], check=True, capture_output=True, text=True).stdout
        self.that("A4" in sizes, "the pages are not A4")
        words = self.browser.value("document.querySelector('.verdict .badge').textContent")
        self.that(words in pages[0], "the first page has no verdict")
        cell = self.browser.value("document.querySelector('details td')?.textContent ?? ''")
        self.that(cell in text, f"what is folded is not printed: {cell!r}")
        self.that(self.browser.value("document.querySelector('details[open]') === null"),
                  "what was opened for printing stays open")
        self.that("Theme:" not in text and "log x" not in text, "buttons are printed")

    def without_scripts(self):
        """The same page for a reader without scripts: everything is there, and stands still."""
        browser = self.browser
        browser.send("Emulation.setScriptExecutionDisabled", value=True)
        browser.open(self.page)
        tree = browser.send("DOMSnapshot.captureSnapshot", computedStyles=[])
        names = [tree["strings"][at] for at in tree["documents"][0]["nodes"]["nodeName"]]
        browser.send("Emulation.setScriptExecutionDisabled", value=False)
        html = open(self.page, encoding="utf-8").read()
        figures = re.findall(r'<figure class="chart".*?</figure>', html, re.S)
        self.static_charts = [re.findall(r'<text class="[xy]tick"[^>]*>([^<]*)<', figure)
                              for figure in figures]
        self.that(sum(name == "svg" for name in names) == len(figures),
                  "without scripts there are no charts")
        self.that("<table" not in html or "TABLE" in names, "without scripts there are no tables")

    def nothing_fetched(self):
        own = "file://" + os.path.abspath(self.page)
        for event in self.browser.events:
            method, params = event.get("method"), event.get("params", {})
            if method == "Network.requestWillBeSent":
                url = params["request"]["url"]
                self.that(url == own, f"{url} was fetched")
            elif method == "Runtime.exceptionThrown":
                self.that(False, f"an exception: {params['exceptionDetails']}")
            elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
                self.that(False, f"the console: {params['args']}")
            elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
                self.that(False, f"the console: {params['entry']['text']}")


def main(arguments):
    shots = None
    if arguments[:1] == ["--shots"]:
        shots, arguments = arguments[1], arguments[2:]
    browser = Browser()
    problems = []
    try:
        for page in arguments:
            checks = Checks(browser, page)
            name = os.path.splitext(os.path.basename(page))[0]
            checks.all(os.path.join(shots, name) if shots else None)
            problems += checks.problems
            print(f"{name}: {len(checks.static_charts)} charts, {len(checks.problems)} problems")
    finally:
        browser.close()
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""How a test reads the site: what serves it, what opens its pages, and hands for its controls."""

import functools
import http.server
import re
import threading
from contextlib import contextmanager


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextmanager
def served(folder, handler=Quiet):
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(handler, directory=folder)
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def keep_to(address, context, complaints):
    """Add to the complaints what a page asks of another host than `address`; the browser reaches none."""

    def judge(request):
        if not request.url.startswith((address, "data:", "blob:")):
            complaints.append(f"asks another host: {request.url}")

    context.on("request", judge)


@contextmanager
def reader(browser, address):
    """Opens pages as a reader with no internet; fails if one complains or asks for another host."""
    contexts, complaints = [], []

    def open_page(name, width=1280, mode="light", **options):
        options |= {"viewport": {"width": width, "height": 900}, "color_scheme": mode}
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("response", lambda r: complaints.append(f"{r.status} {r.url}") if r.status >= 400 else None)
        keep_to(address, context, complaints)
        page.goto(f"{address}{name}.html")
        wait_for_sliders(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints, complaints


def wait_for_sliders(page):
    """Until every figure has spoken and its sliders are drawn and named; at once on a page without any."""
    page.wait_for_function(
        """() => [...document.querySelectorAll('[type="application/vnd.jupyter.widget-view+json"]')].every(
          (view) => {
            const handles = [...view.parentElement.querySelectorAll("[role=slider]")];
            const spoken = view.parentElement.querySelector("[aria-live]")?.textContent;
            const without = view.parentElement.querySelector("[role=group]");
            return spoken && (handles.length || without) && handles.every((handle) => handle.ariaLabel);
          })"""
    )


def handles(root):
    found = root.get_by_role("slider")
    return {found.nth(k).get_attribute("aria-label"): found.nth(k) for k in range(found.count())}


def press(handle, key, times=1):
    handle.focus()
    for _ in range(times):
        handle.press(key)


def numbers(text):
    return [float(found) for found in re.findall(r"-?\d+\.\d+", text.replace("−", "-"))]


def value(handle):
    return float(handle.get_attribute("aria-valuetext").replace("−", "-"))

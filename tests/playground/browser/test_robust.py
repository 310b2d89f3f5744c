"""Hostile texts, narrow windows, keyboards, no network: the page stays what it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.playground.asking import SPECS, lecture
from tests.playground.browser.playground import Playground


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_axe_finds_no_violation(page: Playground, axe: Path, theme: str, language: str) -> None:
    page.page.select_option("#theme", theme)
    page.page.select_option("#language", language)
    page.write(
        "input: 9x9x3\nlayers:\n  - conv: {filters: 4, kernel: 3, stride: 4}\n  - relu\n  - relu"
    )
    for name in ("walk", "bars", "practice", "compare"):
        page.open_panel(name)
    page.page.click("#keep")
    page.write(lecture("rgb-filter"))
    page.page.wait_for_selector("#walk .equation")
    page.page.wait_for_selector("#differences table")
    page.page.click("#practice [data-control=next]")
    page.page.click("#practice [data-control=stepwise]")
    page.page.wait_for_selector("#practice .steps input")
    source = axe.read_text("utf-8")
    # Beside the policy of the page, which lets no script of others in.
    session = page.page.context.new_cdp_session(page.page)
    world = session.send(
        "Page.createIsolatedWorld",
        {"frameId": session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]},
    )["executionContextId"]
    call = {"contextId": world, "awaitPromise": True, "returnByValue": True}
    session.send("Runtime.evaluate", {"expression": source, "contextId": world})
    found = session.send("Runtime.evaluate", {"expression": _AXE, **call})["result"]["value"]
    page.page.click("#drop")
    page.page.select_option("#theme", "auto")
    page.page.select_option("#language", "en")
    assert found == []


_AXE = """axe.run().then((found) => found.violations.map(
    (each) => `${each.id}: ${each.nodes.map((node) => node.html.slice(0, 150)).join(" | ")}`))"""


def test_a_hostile_name_runs_nothing(page: Playground) -> None:
    name = "<img src=x onerror=document.title='taken'><script>document.title='taken'</script>"
    page.write(f'name: "{name}"\ninput: 4\nlayers:\n  - dense: {{units: 2}}\n  - "{name}"')
    assert page.read("#flow").startswith(name)
    assert page.page.title() == "cnnkit playground"
    assert page.page.locator("#results img, #findings img").count() == 1  # the drawing


def test_a_text_of_a_million_lines_is_survived(page: Playground) -> None:
    """It is refused, or its worker is ended after five seconds; then all is as before."""
    before = page.shown()
    page.put("input: 4\nlayers:\n" + "  - relu\n" * 1_000_000)
    page.page.wait_for_selector(f'#status[data-state=stuck], body:not([data-shown="{before}"])')
    page.put("input: 4\nlayers:\n  - relu")
    page.page.wait_for_selector('#flow >> text="spec.yaml: 4 → 4"')


def test_a_stuck_worker_is_ended_and_started_anew(chromium: Any, address: str) -> None:
    """A worker that never answers stands for a text that takes for ever."""
    playground = Playground(chromium.new_context(locale="en-US").new_page(), address)
    endless = "self.postMessage({ready: true}); self.onmessage = () => { for (;;); };"
    playground.page.route("**/worker.js", lambda route: route.fulfill(
        body=endless, content_type="text/javascript"), times=1)  # fmt: skip
    playground.page.goto(address)
    playground.page.wait_for_selector("#status[data-state=stuck]")
    assert "took more than 5 seconds" in playground.read("#status")
    playground.page.click(".cm-content")
    playground.page.keyboard.press("Control+Home")
    playground.page.keyboard.type("# mended\n")
    playground.page.wait_for_selector("body[data-shown]")
    assert playground.read("#flow") == "rgb-valid-4-classes: 32x32x3 → 4"
    playground.close()


def test_a_link_that_holds_no_spec_is_said(chromium: Any, address: str) -> None:
    playground = Playground.open(chromium, address, "#spec=AAAA")
    assert playground.read("#flow") == "rgb-valid-4-classes: 32x32x3 → 4"
    assert playground.complaints == []
    playground.close()


def test_a_phone_needs_no_sideways_scroll(chromium: Any, address: str) -> None:
    phone = {"width": 360, "height": 740}
    playground = Playground.open(chromium, address, viewport=phone, has_touch=True, is_mobile=True)
    for name in ("walk", "bars", "practice", "compare"):
        playground.open_panel(name)
    width = playground.page.locator("body").bounding_box()["width"]
    main = playground.page.locator("main").bounding_box()["width"]
    assert (width, main) == (360, 360)
    for panel in playground.page.locator("details").all():
        assert panel.bounding_box()["x"] + panel.bounding_box()["width"] <= 360
    playground.close()


def test_the_keyboard_alone_suffices(page: Playground) -> None:
    page.page.focus("#theme")
    page.page.keyboard.press("Tab")
    assert page.page.locator(".cm-content").evaluate("node => node === document.activeElement")
    page.page.keyboard.press("Escape")
    page.page.keyboard.press("Tab")
    assert not page.page.locator(".cm-content").evaluate("node => node === document.activeElement")
    page.page.focus("#table button[aria-pressed=true]")
    page.page.keyboard.press("ArrowDown")
    page.page.wait_for_selector('#layer >> text="layers.1"')
    page.page.wait_for_selector('#table tr[data-path="layers.1"] button:focus')


def test_it_works_without_a_network_after_the_first_visit(chromium: Any, address: str) -> None:
    playground = Playground.open(chromium, address)
    playground.page.wait_for_selector("body[data-kept]")
    playground.page.context.set_offline(True)
    playground.page.reload()
    playground.page.wait_for_selector("body[data-shown]")
    assert playground.read("#flow") == "rgb-valid-4-classes: 32x32x3 → 4"
    playground.close()


def test_a_large_network_is_shown(page: Playground) -> None:
    page.write((SPECS / "zoo" / "efficientnet-b0.yaml").read_text("utf-8"))
    assert "5,288,548" in page.read("#figures")

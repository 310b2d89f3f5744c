"""The page as a person has it before them: what they read, and what they press."""

from __future__ import annotations

from typing import Any

PATIENCE = 90_000
"""Milliseconds; Python takes seconds to start, and more on a machine that is busy."""

_PASTE = """(node, text) => {
    const data = new DataTransfer();
    data.setData("text/plain", text);
    node.dispatchEvent(
        new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));
}"""


class Playground:
    """One window with the page.

    Attributes:
        page: Playwright's page.
        complaints: What went wrong on it: errors, and lines on the console.
        elsewhere: Requests to other hosts.
    """

    def __init__(self, page: Any, address: str) -> None:
        self.page = page
        self.address = address
        self.complaints: list[str] = []
        self.elsewhere: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda said: self.complaints.append(said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._requested)

    @classmethod
    def open(cls, browser: Any, address: str, fragment: str = "", **context: Any) -> Playground:
        """Opens a window, and waits until the first table is there."""
        settings = {"viewport": {"width": 1400, "height": 1000}, "locale": "en-US", **context}
        playground = cls(browser.new_context(**settings).new_page(), address)
        playground.page.goto(address + fragment)
        playground.page.wait_for_selector("body[data-shown]")
        return playground

    def close(self) -> None:
        """Closes the window and all that it remembers."""
        self.page.context.close()

    def _requested(self, request: Any) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.elsewhere.append(request.url)

    def shown(self) -> int:
        """How many texts have been shown."""
        return int(self.page.get_attribute("body", "data-shown") or 0)

    def write(self, text: str) -> None:
        """Puts another text into the editor, and waits for all that follows from it."""
        if self.text() == text:
            return
        before = self.shown()
        self.put(text)
        self.after(before)

    def put(self, text: str) -> None:
        """Puts another text into the editor, as a paste does."""
        self.page.click(".cm-content")
        self.page.keyboard.press("Control+a")
        self.page.locator(".cm-content").evaluate(_PASTE, text)

    def after(self, before: int) -> None:
        """Waits until a text is shown beyond so many."""
        self.page.wait_for_selector(f'body[data-shown]:not([data-shown="{before}"])')

    def text(self) -> str:
        """The editor's text; long ones are not all in the page, so it is asked."""
        lines = self.page.locator(".cm-line").all_inner_texts()
        return "\n".join("" if line == "\n" else line for line in lines)

    def read(self, selector: str) -> str:
        """The text of a part of the page."""
        return str(self.page.inner_text(selector))

    def choose(self, path: str) -> None:
        """Chooses a layer in the table."""
        self.page.click(f'#table tr[data-path="{path}"] button')
        self.page.wait_for_selector(f'#layer >> text="{path}"')

    def open_panel(self, name: str) -> None:
        """Opens a part of the page that is folded up."""
        if self.page.get_attribute(f"#{name}-panel", "open") is None:
            self.page.click(f"#{name}-panel > summary")

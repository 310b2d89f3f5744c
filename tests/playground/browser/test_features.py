"""Each thing that the page does, done by mouse and keyboard."""

from __future__ import annotations

import re
from pathlib import Path

from tests.playground.asking import lecture
from tests.playground.browser.playground import Playground

FAULTY = "input: 7x7x1\nlayers:\n  - conv: {filters: 1, kernel: 3, stride: 3} # mine"


def test_the_table_and_the_totals_follow_the_text(page: Playground) -> None:
    assert page.read("#flow") == "rgb-valid-4-classes: 32x32x3 → 4"
    row = page.read('#table tr[data-path="layers.0"]').split()
    assert row == ["layers.0", "conv", "26x26x3", "2,028", "441", "298,116", "7x7"]
    assert "5,100" in page.read("#figures")
    assert page.page.get_attribute("#drawing", "src").startswith("data:image/svg+xml")
    page.write("input: 8x8x1\nlayers:\n  - flatten")
    assert page.read("#flow") == "spec.yaml: 8x8x1 → 64"


def test_formulas_of_the_chosen_layer(page: Playground) -> None:
    page.choose("layers.1")
    assert "(D−F)/S+1 = (26−9)/1+1 = 18" in page.read("#layer")
    assert "5×9×9×3 = 1,215" in page.read("#layer")
    assert page.page.inner_text(".cm-chosen").startswith("  - conv: {filters: 5")


def test_the_layer_of_the_cursors_line_is_chosen(page: Playground) -> None:
    page.page.click(".cm-line >> nth=9")  # the dense layer
    page.page.wait_for_selector('#layer >> text="layers.4"')


def test_a_finding_is_underlined_and_mended_by_a_click(page: Playground) -> None:
    page.write(FAULTY)
    assert "(7 − 3)/3 + 1 = 2.33 is not an integer" in page.read("#findings")
    page.page.wait_for_selector(".cm-lintRange-error")
    before = page.shown()
    page.page.click('#findings button:text("stride: 2 → 3")')
    page.after(before)
    assert page.text().endswith("- conv: {filters: 1, kernel: 3, stride: 2} # mine")
    assert "3x3x1" in page.read("#table")


def test_a_slider_rewrites_the_number_in_place(page: Playground) -> None:
    page.choose("layers.0")
    before = page.shown()
    page.page.focus("#turn-kernel")
    page.page.keyboard.press("ArrowLeft")
    page.after(before)
    assert "  - conv: {filters: 3, kernel: 6}" in page.text()
    assert "# The lecture's network" in page.text()
    assert page.page.evaluate("document.activeElement.id") == "turn-kernel"
    assert "(D−F)/S+1 = (32−6)/1+1 = 27" in page.read("#layer")


def test_padding_is_a_word_or_a_number(page: Playground) -> None:
    page.choose("layers.0")
    before = page.shown()
    page.page.select_option('[data-control="padding-word"]', "same")
    page.after(before)
    assert "kernel: 7, padding: same}" in page.text()


def test_what_a_cell_sees_is_drawn_onto_the_input(page: Playground) -> None:
    page.choose("layers.1")
    page.page.focus("#cell-0")
    page.page.keyboard.press("Home")
    page.page.focus("#cell-1")
    page.page.keyboard.press("Home")
    page.page.wait_for_selector("#field >> text=15×15 of the input, height 0 … 14, width 0 … 14")
    box = page.page.locator("#field svg.pick").bounding_box()
    page.page.mouse.click(box["x"] + box["width"] - 2, box["y"] + 2)
    page.page.wait_for_selector("#field >> text=height 0 … 14, width 17 … 31")


def test_the_arithmetic_of_the_lecture(page: Playground) -> None:
    page.write(lecture("edge-filter"))
    page.open_panel("walk")
    page.page.wait_for_selector(
        '#walk >> text="7·1 + 2·0 + 3·(−1) + 4·1 + 5·0 + 3·(−1) + 3·1 + 3·0 + 2·(−1) = 6"'
    )
    page.write(lecture("rgb-filter"))
    page.page.wait_for_selector('#walk >> text="308 − 498 + 164 + 1 = −25"')
    assert page.page.locator("#walk td.padding").count() > 0
    page.page.click("#walk [data-control=step]")
    page.page.wait_for_selector('#walk output:text("1 / 5")')
    page.page.click("#walk [data-control=play]")
    page.page.wait_for_selector('#walk output:text("3 / 5")')
    page.page.click("#walk [data-control=play]")


def test_the_arithmetic_of_own_numbers(page: Playground) -> None:
    page.write(lecture("padding-zeros"))
    page.open_panel("walk")
    page.page.wait_for_selector("#walk #numbers")
    page.page.fill("#numbers", "1 2 3")
    page.page.press("#numbers", "Tab")
    assert page.page.inner_text("#walk [role=alert]") == "5 numbers are needed, there are 3."
    page.page.fill("#numbers", "1 2 3 4 5")
    page.page.press("#numbers", "Tab")
    page.page.wait_for_selector('#walk >> text="0·0.1 + 1·0.2 + 2·0.3 = 0.8"')


def test_pooling_is_watched_too(page: Playground) -> None:
    page.write(lecture("max-pool-2x2"))
    page.open_panel("walk")
    page.page.wait_for_selector('#walk >> text="max(1, 2, 6, 7) = 7"')


def test_memory_and_work_are_bars(page: Playground) -> None:
    page.open_panel("bars")
    assert "46.2 KiB" in page.read("#bars")
    assert page.page.locator("#bars .bar i").count() > 5


def test_words_are_completed_and_explained(page: Playground) -> None:
    page.write("input: 8x8x1\nlayers:\n  - ")
    page.page.keyboard.press("Control+End")
    page.page.keyboard.type("max")
    page.page.wait_for_selector(".cm-completionLabel:text('max_pool')")
    page.page.wait_for_timeout(300)  # the editor takes no key in the first 75 ms of a list
    page.page.keyboard.press("Enter")
    assert page.text().endswith("  - max_pool: {size: }")
    page.page.keyboard.type("2, str")
    page.page.wait_for_selector(".cm-completionLabel:text('stride')")
    page.page.keyboard.press("Escape")
    page.write(lecture("rgb-valid-4-classes"))
    page.page.hover('.cm-line span:text("kernel") >> nth=0')
    page.page.wait_for_selector(".cm-tooltip >> text=Extent of the filter")
    page.page.mouse.move(0, 0)


def test_the_menu_opens_a_network(page: Playground) -> None:
    before = page.shown()
    page.page.select_option("#menu", "zoo/resnet-50")
    page.after(before)
    assert page.read("#flow") == "resnet-50: 224x224x3 → 1000"
    assert "25,557,032" in page.read("#figures")


def test_a_link_holds_the_spec(page: Playground) -> None:
    text = "input: 6\nlayers:\n  - dense: {units: 5} # été"
    page.write(text)
    page.page.click("#share")
    page.page.wait_for_url(re.compile("#spec="))
    fragment = page.page.url.removeprefix(page.address)
    other = Playground.open(page.page.context.browser, page.address, fragment)
    assert other.text() == text
    other.close()


def test_files_are_taken_away(page: Playground) -> None:
    for kind, name, part in [
        ("yaml", "rgb-valid-4-classes.yaml", "name: rgb-valid-4-classes"),
        ("svg", "rgb-valid-4-classes.svg", "<svg"),
        ("html", "rgb-valid-4-classes.html", "<!doctype html>"),
        ("torch", "rgb_valid_4_classes_torch.py", "import torch"),
        ("keras", "rgb_valid_4_classes_keras.py", "keras"),
        ("flax", "rgb_valid_4_classes_flax.py", "nnx"),
    ]:
        with page.page.expect_download() as waiting:
            page.page.select_option("#download", kind)
        assert waiting.value.suggested_filename == name
        assert part in Path(waiting.value.path()).read_text("utf-8")


def test_two_specs_side_by_side(page: Playground) -> None:
    page.open_panel("compare")
    page.page.click("#keep")
    page.page.wait_for_selector("#differences >> text=Both are the same network.")
    page.write(lecture("rgb-valid-4-classes").replace("filters: 4", "filters: 8"))
    table = page.read("#differences table")
    assert "parameters" in table
    assert "5,100" in table
    assert page.page.locator("#differences mark").count() == 2
    page.page.click("#drop")


def test_the_page_speaks_french(page: Playground) -> None:
    page.page.select_option("#language", "fr")
    assert page.page.get_attribute("html", "lang") == "fr"
    assert page.read("#table-panel > summary") == "Couches"
    page.page.wait_for_selector('#layer >> text="hauteur et largeur"')
    assert "paramètres" in page.read("#figures")
    page.page.select_option("#language", "en")
    assert page.read("#table-panel > summary") == "Layers"


def test_practice_checks_each_number_by_keyboard_alone(page: Playground) -> None:
    page.open_panel("practice")
    page.page.wait_for_selector("#practice .question")
    page.page.select_option("#practice-topic", "parameters")
    page.page.wait_for_selector("#practice .question >> text=How many parameters has")
    numbers = re.findall(r"\d+", page.read("#practice .question"))
    filters, kernel, _, channels = map(int, numbers)
    weights = filters * kernel**2 * channels
    page.page.focus("#practice-answer")
    page.page.keyboard.type(str(weights))
    page.page.keyboard.press("Enter")
    page.page.wait_for_selector("#practice .verdict >> text=The biases are forgotten.")
    assert page.page.evaluate("document.activeElement.id") == "practice-answer"
    page.page.click("#practice [data-control=stepwise]")
    page.page.wait_for_selector("#practice-step-0")
    assert page.page.evaluate("document.activeElement.id") == "practice-step-0"
    line = f"{filters}×{kernel}×{kernel}×{channels} + {filters} ="
    assert page.read("#practice label[for=practice-step-0]") == line
    page.page.keyboard.type("1")
    page.page.keyboard.press("Enter")
    page.page.wait_for_selector("#practice .steps >> text=✗ not so")
    page.page.fill("#practice-step-0", str(weights + filters))
    page.page.keyboard.press("Enter")
    page.page.wait_for_selector("#practice .steps >> text=✓ right")
    assert page.page.evaluate("document.activeElement.id") == "practice-answer"
    page.page.fill("#practice-answer", f"{weights + filters:,}")
    page.page.keyboard.press("Enter")
    page.page.wait_for_selector("#practice .verdict >> text=✓ Right.")
    assert "1 of 1 right" in page.read("#practice")
    before = page.shown()
    page.page.click("#practice [data-control=open]")
    page.after(before)
    assert f"conv: {{filters: {filters}, kernel: {kernel}}}" in page.text()
    page.page.click("#practice [data-control=next]")
    page.page.wait_for_selector("#practice .verdict:empty")
    page.page.click("#practice [data-control=tell]")
    page.page.wait_for_selector("#practice li.equation")
    assert "1 of 2 right" in page.read("#practice")


def test_practice_speaks_french(page: Playground) -> None:
    page.open_panel("practice")
    page.page.wait_for_selector("#practice .question")
    page.page.select_option("#practice-topic", "metrics")
    page.page.wait_for_selector("#practice .question >> text=A test for a disease")
    page.page.select_option("#language", "fr")
    page.page.wait_for_selector("#practice .question >> text=Un test de dépistage")
    page.page.fill("#practice-answer", "beaucoup")
    page.page.keyboard.press("Enter")
    page.page.wait_for_selector("#practice .verdict >> text=Ce n’est pas un nombre.")
    assert page.read("#practice [data-control=next]") == "Autre question"

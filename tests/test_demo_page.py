"""The demo's page in a real browser: Chromium draws, moves the slider and drops a file."""

import math
import os
import shutil

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect, sync_playwright

from denoising import sections
from denoising.inference import images, model_files
from denoising.networks.base import build
from stages.shared import params
from tests.demo_server import ROOT, Server

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))),
    None,
)
# these keep the browser from calling its vendor's servers; root cannot use the sandbox
OPTIONS = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
OPTIONS += [
    "--disable-component-update",
    "--disable-sync",
    *(["--no-sandbox"] if os.geteuid() == 0 else []),
]

# how Chromium reports a refused image
REFUSED = (
    "Failed to load resource: the server responded with a status of 422 (UNPROCESSABLE ENTITY)"
)

# other tests run at the same time, and may keep the first answers of a server waiting
SECONDS = 120
expect.set_options(timeout=SECONDS * 1000)

# in CI a missing browser is an error, not a reason to skip
pytestmark = pytest.mark.skipif(
    CHROMIUM is None and "CI" not in os.environ, reason="no Chromium or Chrome on the path"
)


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield running
        running.close()


@pytest.fixture
def visit(browser, server):
    """Open a visitor's page and wait for its first images; what the browser logs as an error fails
    the test, and so does a request to another server."""
    complaints, contexts = [], []

    def open_page(width=1280, height=900, **options):
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        context.set_default_timeout(SECONDS * 1000)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda message: complaints.append(message.text) if message.type == "error" else None,
        )
        page.on(
            "request",
            lambda request: complaints.append(request.url) if outside(request.url) else None,
        )
        page.goto(server.url)
        page.wait_for_selector("#cards figure")
        return page

    def outside(url):
        return not url.startswith((server.url, "data:", "blob:"))

    open_page.complaints = complaints
    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def mse(page, name):
    """MSE that the card of an image shows."""
    text = page.locator(f'figure[data-name="{name}"] figcaption').inner_text()
    return float(text.split("MSE")[1].split()[0])


def settled(page, action):
    """Do something, and wait until the page shows the answer to the last request that it caused."""
    count = page.evaluate("Number(document.getElementById('cards').dataset.answers)")
    action()
    page.wait_for_function(
        "count => { const cards = document.getElementById('cards');"
        " return Number(cards.dataset.answers) > count && cards.dataset.pending === 'false'; }",
        arg=count,
    )


def draw_seven(page):
    box = page.locator("#pad").bounding_box()
    corners = [(0.25, 0.25), (0.75, 0.25), (0.45, 0.8)]
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=8)
    page.mouse.up()


def ink(page):
    """Share of the drawing pad that is bright."""
    script = """() => { const pad = document.getElementById("pad");
        const { data } = pad.getContext("2d").getImageData(0, 0, pad.width, pad.height);
        let bright = 0;
        for (let index = 0; index < data.length; index += 4) bright += data[index] > 127;
        return bright / (data.length / 4); }"""
    return page.evaluate(script)


# share of the pad that a dot should fill: a circle as wide as a stroke, 2.2 of 28 pixels
DOT = pytest.approx(math.pi * 1.1**2 / 28**2, rel=0.1)


def networks(page):
    return page.evaluate(
        "async () => (await (await fetch('api/models')).json()).models.map((model) => model.name)"
    )


def test_a_drawn_digit_comes_out_closer_to_the_original_than_the_noisy_one(visit):
    page = visit()
    settled(page, lambda: page.get_by_role("button", name="Clear").click())
    assert ink(page) == 0
    settled(page, lambda: draw_seven(page))
    assert 0.03 < ink(page) < 0.3
    assert networks(page)
    for name in networks(page):
        assert mse(page, name) < mse(page, "noisy") / 2, name


def test_the_slider_sets_the_strength_by_keyboard_too(visit):
    page = visit()
    before = mse(page, "noisy")
    slider = page.get_by_role("slider", name="Strength")
    settled(page, lambda: slider.fill("0.2"))
    weaker = mse(page, "noisy")
    assert weaker < before / 2
    slider.focus()
    settled(page, lambda: page.keyboard.press("ArrowRight"))
    expect(page.locator("#strength-value")).to_have_text("0.22")
    assert weaker < mse(page, "noisy") < before


def test_every_kind_of_noise_can_be_chosen(visit):
    page = visit()
    kinds = page.locator("#kind option").evaluate_all(
        "options => options.map((option) => option.value)"
    )
    for kind in kinds[1:-1]:
        settled(page, lambda kind=kind: page.get_by_label("Kind").select_option(kind))
        assert mse(page, "noisy") > 0
    settled(page, lambda: page.get_by_label("Kind").select_option("none"))
    assert "MSE" not in page.locator("#cards").inner_text()


def test_keys_draw_and_clear(visit):
    page = visit()
    pad = page.locator("#pad")
    pad.focus()
    settled(page, lambda: page.keyboard.press("Delete"))
    assert ink(page) == 0
    settled(page, lambda: page.keyboard.press("Space"))
    assert ink(page) == DOT  # where the pen was put down
    for _ in range(6):
        page.keyboard.press("ArrowDown")
    settled(page, lambda: page.keyboard.press("ArrowDown"))
    page.keyboard.press("Space")
    assert ink(page) > 3 * DOT.expected
    expect(page.locator("#pen-status")).to_contain_text("Pen up")
    assert page.locator("#pen").is_visible()


def test_a_finger_draws(visit):
    page = visit(width=390, height=844, has_touch=True, is_mobile=True)
    settled(page, lambda: page.get_by_role("button", name="Clear").tap())
    box = page.locator("#pad").bounding_box()
    settled(page, lambda: page.touchscreen.tap(box["x"] + 100, box["y"] + 100))
    assert ink(page) == DOT
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_single_click_of_mouse_or_pen_leaves_a_dot(visit):
    page = visit()
    for click in (page.mouse.click, lambda x, y: pen_taps(page, x, y)):
        settled(page, lambda: page.get_by_role("button", name="Clear").click())
        assert ink(page) == 0
        box = page.locator("#pad").bounding_box()
        settled(page, lambda click=click, box=box: click(box["x"] + 90, box["y"] + 90))
        assert ink(page) == DOT


def pen_taps(page, x, y):
    """A click of a stylus: Playwright has no method for it, Chromium's own protocol has."""
    session = page.context.new_cdp_session(page)
    at = {"x": x, "y": y, "button": "left", "clickCount": 1, "pointerType": "pen"}
    for kind in ("mousePressed", "mouseReleased"):
        session.send("Input.dispatchMouseEvent", {"type": kind} | at)


def test_a_dropped_file_of_any_size_is_denoised(visit):
    page = visit()
    image = np.zeros((90, 60, 1), np.float32)
    image[20:70, 25:35] = 1
    content = list(images.png(image))
    drop = """content => { const transfer = new DataTransfer();
        transfer.items.add(new File([new Uint8Array(content)], "bar.png", { type: "image/png" }));
        const options = { dataTransfer: transfer, bubbles: true, cancelable: true };
        document.body.dispatchEvent(new DragEvent("drop", options)); }"""
    settled(page, lambda: page.evaluate(drop, content))
    expect(page.locator("#status")).to_contain_text("60 \N{MULTIPLICATION SIGN} 90 pixels")
    shown = page.locator('figure[data-name="cae"] img').evaluate(
        "image => [image.naturalWidth, image.naturalHeight]"
    )
    assert shown == [60, 90]
    assert mse(page, "cae") < mse(page, "noisy")


def test_a_file_that_is_no_image_is_answered_by_a_sentence(visit, tmp_path):
    page = visit()
    (tmp_path / "notes.png").write_text("not a picture")
    page.get_by_label("Image file").set_input_files(tmp_path / "notes.png")
    expect(page.locator("#status")).to_contain_text("not an image")
    settled(page, lambda: draw_seven(page))  # and one can go on
    visit.complaints.remove(REFUSED)  # of the answer 422


def test_a_photograph_of_a_phone_is_made_smaller_before_it_is_sent(visit, tmp_path):
    page = visit()
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (3000, 4000), np.uint8)  # noise: cannot be compressed
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    assert (tmp_path / "photo.png").stat().st_size > 8e6
    settled(page, lambda: page.get_by_label("Image file").set_input_files(tmp_path / "photo.png"))
    expect(page.locator("#status")).to_contain_text("128 \N{MULTIPLICATION SIGN} 96 pixels")


def test_what_is_drawn_while_an_image_loads_stays(visit):
    page = visit()
    settled(page, lambda: page.get_by_role("button", name="Clear").click())
    digit = page.get_by_role("button", name="Digit 3 of the test set")

    def pick_and_clear():
        digit.evaluate("digit => { digit.click(); document.getElementById('clear').click(); }")

    settled(page, pick_and_clear)
    page.wait_for_timeout(200)
    assert ink(page) == 0


def test_only_the_newest_of_many_strokes_is_worked_on(visit):
    page = visit()
    asked = []
    page.on("request", lambda request: asked.append(request) if "denoise" in request.url else None)

    def scribble():
        draw_seven(page)
        draw_seven(page)

    moved = 34  # pointer events that change the drawing
    settled(page, scribble)
    assert 0 < len(asked) < moved


def test_without_networks_the_page_names_the_command_that_trains_them(browser, tmp_path):
    shutil.copyfile(ROOT / "params.yaml", tmp_path / "params.yaml")
    server = Server(folder=tmp_path)
    page = browser.new_page()
    page.set_default_timeout(SECONDS * 1000)
    page.goto(server.url)
    expect(page.locator("#source")).to_have_text(
        "no trained networks yet: `make repro` trains them"
    )
    expect(page.locator("figure")).to_have_count(2)  # original and noisy are shown all the same
    page.close()
    server.stop()


def test_a_photograph_stays_in_colour_where_a_network_knows_colour(browser, tmp_path):
    shutil.copyfile(ROOT / "params.yaml", tmp_path / "params.yaml")
    section = params.read(ROOT / "params.yaml")["networks"]["cnn"] | {"depth": 2, "filters": 4}
    network = sections.validate(sections.kind("networks", "cnn"), section)
    model = build("cnn", network, channels=3)
    model_files.save(model, tmp_path / "models/cnn.keras")
    red = np.zeros((30, 40, 3), np.float32) + np.float32([1, 0.2, 0])
    (tmp_path / "red.png").write_bytes(images.png(red))
    server = Server("--models", "workspace", folder=tmp_path)
    page = browser.new_page()
    page.set_default_timeout(SECONDS * 1000)
    page.goto(server.url)
    page.wait_for_selector("#cards figure")
    expect(page.locator("#colour")).to_be_visible()
    expect(page.locator("#grey")).to_be_hidden()
    settled(page, lambda: page.get_by_label("Image file").set_input_files(tmp_path / "red.png"))
    assert page.locator('figure[data-name="original"] img').evaluate(PIXEL) == [255, 51, 0]
    assert page.locator('figure[data-name="cnn"] img').evaluate("image => image.naturalWidth") == 40
    page.close()
    server.stop()


PIXEL = """async image => { await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)]; }"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_and_every_control_has_a_name(visit, scheme):
    page = visit(color_scheme=scheme)
    for role in ("button", "slider", "combobox"):
        for control in page.get_by_role(role).all():
            assert control.evaluate(
                "control => (control.labels?.[0]?.textContent ?? '') + control.textContent"
                " + (control.ariaLabel ?? '')"
            ).strip()
    assert page.locator("img:not([alt])").count() == 0
    for selector in ("h1", "#source", ".hint", "button", "figcaption span", "select"):
        assert page.locator(selector).first.evaluate(CONTRAST) >= 4.5, selector


# WCAG 2.2: (L1 + 0.05) / (L2 + 0.05) of the relative luminances of a text and its background
CONTRAST = """element => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = (rgb) => {
    const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = rgb.slice(0, 3).map((v) => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  let place = element, back;
  do {
    back = channels(getComputedStyle(place).backgroundColor);
    place = place.parentElement;
  } while (back[3] === 0);
  const text = luminance(channels(getComputedStyle(element).color));
  const both = [text, luminance(back)].sort((a, b) => b - a);
  return (both[0] + 0.05) / (both[1] + 0.05); }"""


def test_only_remedies_that_are_shown_are_explained(visit):
    page = visit()
    names = page.locator("figure[data-name]").evaluate_all(
        "cards => cards.map(card => card.dataset.name)"
    )
    for remedy in ("fixed", "inverse"):
        assert page.locator(f"#{remedy}").is_visible() == any(
            name.endswith(f"_{remedy}") for name in names
        )

"""The page in a browser without a screen, where PySide6 with its web engine is installed."""

import importlib.util
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from jaxsparse.commands.event_page import page_of
from jaxsparse.data.event_file import EventFile
from tests.viz.page.events import write
from tests.viz.page.voxels import write_voxels


def installed() -> bool:
    return importlib.util.find_spec("PySide6") is not None and (
        importlib.util.find_spec("PySide6.QtWebEngineWidgets") is not None
    )


pytestmark = pytest.mark.skipif(not installed(), reason="PySide6 is not installed")

# `ink` are the dots of a canvas that have a colour: axes and words have none.
HELPERS = """
const images = [...document.querySelectorAll(".image")];
const ink = (canvas) => {
  const { width, height } = canvas, copy = new OffscreenCanvas(width, height).getContext("2d");
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, width, height);
  let count = 0;
  for (let dot = 0; dot < data.length; dot += 4) {
    const colour = data.subarray(dot, dot + 3);
    count += Math.max(...colour) - Math.min(...colour) > 40;
  }
  return count;
};
const fire = (image, type, x, y) => image.dispatchEvent(new PointerEvent(
  type, { pointerId: 1, clientX: x, clientY: y, buttons: 1 }));
const frames = (count, then) =>
  count ? requestAnimationFrame(() => frames(count - 1, then)) : then();
"""


def run(path, script, picture=None):
    program = pathlib.Path(__file__).with_name("browser.py")
    written = path.with_suffix(".js")
    written.write_text(HELPERS + script, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, program, path, written, *([picture] if picture else [])],
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["console"] == []
    assert found["requests"] == []
    assert found["value"] is not None
    return found["value"]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    path = folder / "page.html"
    source = EventFile(write(folder / "nasty.h5"))
    path.write_text(page_of(source, [0, 1, 2], "page"), encoding="utf-8")
    return path


def test_both_kinds_of_view_draw_and_follow_event_colour_and_class(page):
    found = run(
        page,
        """
        const seen = [];
        const look = () => {
          const gl = images[1].children[1].getContext("webgl");
          seen.push([ink(images[0].children[0]), gl !== null,
            [...document.querySelectorAll("#classes label")].map((label) => label.textContent)]);
        };
        frames(3, () => {
          look();
          document.querySelector("#next").click();
          frames(3, () => {
            look();
            document.querySelector("#next").click();
            document.querySelectorAll("#modes input")[1].click();
            frames(3, () => { look(); done(seen); });
          });
        });
        """,
    )
    (full, webgl, classes), (empty, _, none), (coloured, *_) = found
    assert webgl
    assert full > 1000
    assert empty == 0
    assert coloured > 1000
    assert none == []
    assert [words.rstrip("0123456789") for words in classes] == [
        "muon", "</script><img src=x onerror=alert(1)>", "b&c", "no class",
    ]  # fmt: skip


def test_a_click_on_a_particle_names_it_and_a_hover_tells_the_pixel(page):
    found = run(
        page,
        """
        frames(3, () => {
          const hovered = document.querySelector("#hovered");
          const { left, top, width, height } = images[0].getBoundingClientRect();
          for (let step = 0; step < (width * height) / 25; step++) {
            const x = left + (5 * step) % width, y = top + 5 * Math.floor((5 * step) / width);
            fire(images[0], "pointermove", x, y);
            if (hovered.hidden || !hovered.textContent.includes("125 MeV")) continue;
            fire(images[0], "pointerdown", x, y);
            fire(images[0], "pointerup", x, y);
            return done([hovered.textContent, document.querySelector("#selected").textContent]);
          }
          done(["nothing found", ""]);
        });
        """,
    )
    assert "depth" in found[0]
    assert "flashes" in found[0]
    assert "interaction yes" in found[0]
    assert found[1].startswith(("mu-, 125 MeV (particle 0)", "e+, 125 MeV (particle 1)"))
    assert "top" in found[1]
    assert "cube" in found[1]


def test_fifty_thousand_voxels_turn(tmp_path):
    """Prints time and rate and asks for none: the machine may be busy."""
    path = tmp_path / "voxels.html"
    source = EventFile(write_voxels(tmp_path / "voxels.h5", 50_000))
    path.write_text(page_of(source, [0], "voxels"), encoding="utf-8")
    found = run(
        path,
        """
        const canvas = images[0].children[1], gl = canvas.getContext("webgl");
        const dots = new Uint8Array(4 * 100 * 100);
        const read = () => {
          gl.readPixels(canvas.width / 2 - 50, canvas.height / 2 - 50, 100, 100, gl.RGBA,
            gl.UNSIGNED_BYTE, dots);
          return dots.reduce((sum, value, place) => sum + value * (place % 97), 0);
        };
        const sums = [], begin = performance.now();
        let first;
        fire(images[0], "pointerdown", 300, 300);
        const turn = () => {
          sums.push(read());
          first ??= performance.now();
          if (sums.length === 20) {
            return done({ sums, first, rate: 19000 / (performance.now() - first) });
          }
          fire(images[0], "pointermove", 300 + 9 * sums.length, 300);
          requestAnimationFrame(turn);
        };
        fire(images[0], "pointermove", 301, 300);
        requestAnimationFrame(turn);
        """,
        picture=tmp_path / "voxels.png",
    )
    print(f"first frame after {found['first']:.0f} ms, {found['rate']:.0f} frames a second")
    assert np.min(found["sums"]) > 0
    assert len(set(found["sums"])) == 20


def test_a_view_is_shown_twice_with_other_colours_and_turns_together(page):
    found = run(
        page,
        """
        const choose = (id, text) => [...document.querySelectorAll(`#${id} label`)]
          .find((label) => label.textContent === text).querySelector("input").click();
        const heads = () => [...document.querySelectorAll("section:not([hidden]) h2")]
          .map((head) => head.textContent);
        const seen = [heads().length];
        choose("modes", "truth");
        choose("beside", "particle");
        frames(3, () => {
          seen.push(heads());
          choose("beside", "nothing");
          frames(3, () => { seen.push(heads().length); done(seen); });
        });
        """,
    )
    one, two, again = found
    assert (one, again) == (2, 2)
    assert ["truth" in words for words in two] == [True, False, True, False]
    assert ["particle" in words for words in two] == [False, True, False, True]

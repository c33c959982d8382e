"""The page's functions without a page, in Node where it is installed."""

import json
import shutil
import subprocess
from importlib.resources import files

import numpy as np
import pytest

from jaxsparse.commands.event_page import page_of
from jaxsparse.data.event_file import EventFile
from tests.viz.page.events import write
from tests.viz.page.test_document import read

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")


def run(script, *names, given=None):
    """What a script prints as JSON, after files of the page; it finds ``given`` in ``given``."""
    sources = [files("jaxsparse.viz.page").joinpath(name).read_text() for name in names]
    lines = [
        *sources,
        f"const given = {json.dumps(given)};",
        f"console.log(JSON.stringify({script}))",
    ]
    done = subprocess.run(
        ["node", "-"], input="\n".join(lines), capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_page_reads_the_columns_that_were_stored(tmp_path):
    source = EventFile(write(tmp_path / "a.h5"))
    page = page_of(source, [2], "page")
    described, _ = read(page)
    text = page.split('id="event-0">')[1].split("</script>")[0]
    script = """(() => {
      const event = readEvent(given.event, given.text), { cube } = event.views;
      return { values: [...cube.columns.values], z: [...cube.columns.axis2],
               labels: [...cube.columns.labels], pdg: [...event.particles.pdg] };
    })()"""
    given = {"event": described["events"][0], "text": text}
    found, cube = run(script, "buffers.js", "colours.js", given=given), source[2].views["cube"]
    np.testing.assert_array_equal(np.array(found["values"], np.float32), cube.values)
    assert found["z"] == cube.coords[:, 2].tolist()
    np.testing.assert_array_equal(found["labels"], cube.labels)
    assert found["pdg"] == [13, -11]


PIXELS = """const pixels = {
  count: 4, top: 4, instanceColours: { instance: { 5: [3, 0, 0], 6: [4, 0, 0] } },
  columns: {
    values: [1, 2, 3, 4], labels: [0, 1, 0, -1], prediction: [0, 0, 0, 1],
    instance: [5, 5, 6, -1],
  },
};
const palette = { classes: [[1, 0, 0], [2, 0, 0]], none: [9, 9, 9], right: [8, 8, 8],
  charge: Array.from({ length: 256 }, (_, shade) => [shade, 0, 0]) };
const painted = (state) => {
  const { colours, order } = paintPixels(
    pixels, { mode: "charge", hidden: new Set(), selected: null, ...state }, palette);
  const reds = [0, 1, 2, 3].map((row) => colours[4 * row]);
  return { reds, opacity: [0, 1, 2, 3].map((row) => colours[4 * row + 3]), order: [...order] };
};"""


def painted(state):
    return run(f"(() => {{ {PIXELS}; return painted({state}); }})()", "colours.js")


def test_charge_is_shaded_up_to_its_top_and_the_largest_lies_on_top():
    found = painted("{}")
    assert found["reds"] == [64, 128, 191, 255]
    assert found["order"] == [0, 1, 2, 3]


def test_rare_classes_lie_on_top_and_pixels_without_one_below():
    assert painted("{ mode: 'truth' }")["reds"] == [1, 2, 1, 9]
    assert painted("{ mode: 'truth' }")["order"] == [3, 0, 2, 1]


def test_wrong_pixels_have_the_colour_of_their_truth_on_right_ones():
    found = painted("{ mode: 'wrong' }")
    assert found["reds"] == [8, 2, 8, 9]
    assert found["opacity"] == [128, 255, 128, 128]
    assert found["order"][-1] == 1


def test_a_class_that_is_switched_off_is_hidden_by_what_is_shown():
    assert painted("{ mode: 'truth', hidden: new Set([0]) }")["opacity"] == [0, 255, 0, 255]
    assert painted("{ mode: 'prediction', hidden: new Set([0]) }")["opacity"] == [0, 0, 0, 255]


def test_a_particle_has_its_colour_and_pixels_of_none_lie_below():
    found = painted("{ mode: 'instance' }")
    assert found["reds"] == [3, 3, 4, 9]
    assert found["order"][0] == 3


def test_a_chosen_particle_stands_out():
    found = painted("{ selected: { number: 5, predicted: false } }")
    assert found["opacity"] == [255, 255, 128, 128]
    assert found["reds"] == [64, 128, 9, 9]


def test_axes_that_count_have_ticks_at_whole_numbers_only():
    assert run("ticks(-0.5, 2.5, 8)", "frame.js") == [0, 1, 2]
    assert run("ticks(0, 1007, 8)", "frame.js") == [0, 200, 400, 600, 800, 1000]


PLANES = """const plane = (shape, across, along, xs, ys, size = [500, 300]) => Object.assign(
  Object.create(Plane.prototype), {
    view: { shape, across, along }, x: xs, y: ys, whole: false, fitted: false, moved: false,
    canvas: { parentElement: { clientWidth: size[0], clientHeight: size[1] } }, redraw() {},
  });
const inLine = (...planes) => {
  for (const one of planes) one.partners = planes;
  for (const one of planes) one.fit();
  return planes;
};
const seen = ({ scale, middle }) => ({ scale, middle });"""


def planes(script):
    return run(f"(() => {{ {PLANES}; {script} }})()", "frame.js", "plane.js")


def test_planes_in_line_have_one_scale_and_one_range_of_the_shared_axis():
    top, side, empty = planes(
        """return inLine(
          plane([900, 700], 0, 0, [100, 200], [300, 330]),
          plane([500, 900], 1, 0, [150, 400], [20, 90]),
          plane([500, 900], 1, 0, [], [])).map(seen);"""
    )
    assert top["scale"] == side["scale"] == empty["scale"]
    # From 8 before the first pixel of all to 8 after the last; each its own range upwards.
    assert top["middle"] == [250, 315]
    assert side["middle"] == [250, 55]
    assert empty["middle"][0] == 250


def test_planes_in_line_follow_one_that_is_moved_along_the_shared_axis_alone():
    script = """
      const [top, side] = inLine(
        plane([100, 80], 0, 0, [1], [2]), plane([100, 60], 0, 0, [5], [6]));
      const before = side.middle[1];
      top.zoom(2, 200, 100);
      top.drag(30, 40);
      side.follow(top);
      const moved = [seen(top), seen(side), before];
      top.reset();
      side.follow(top);
      return { moved, fitted: side.fitted, whole: side.whole };"""
    found = planes(script)
    top, side, before = found["moved"]
    assert side["scale"] == top["scale"]
    assert side["middle"] == [top["middle"][0], before]
    assert (found["fitted"], found["whole"]) == (False, True)


def test_a_plane_that_shares_nothing_is_fitted_by_itself():
    one, other = planes(
        """const alone = (...given) => inLine(plane(...given))[0];
        return [alone([900, 700], 0, -1, [100, 200], [300, 330]),
                alone([900, 700], 0, -1, [500, 510], [300, 330])].map(seen);"""
    )
    assert one["middle"] == [150, 315]
    assert other["middle"] == [505, 315]


def test_a_chosen_particle_says_to_which_it_belongs():
    script = """(() => {
      const columns = { predicted_instance: Int32Array.of(0, 0, 1),
                        predicted_parent: Float32Array.of(NaN, NaN, 0) };
      const event = { views: { Y: { columns } } };
      return [0, 1].map((number) => selectedWords({}, event, { number, predicted: true }));
    })()"""
    track, delta = run(script, "colours.js", "words.js")
    assert track.startswith("Predicted particle 0: pixels in Y 2.")
    assert delta.startswith("Predicted particle 1, which belongs to 0: pixels in Y 1.")

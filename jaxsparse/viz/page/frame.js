// Canvases of the size of their place, axes with ticks, and drawing once a frame.

const MARGIN = { left: 52, right: 10, top: 8, bottom: 36 }; // around a plane, for its axes
const INK = "#555", LINE = "#999";

/** Gives a canvas the dots of its place on the screen; returns its size in CSS pixels. */
function fitCanvas(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas.parentElement;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  return { width, height, ratio };
}

/** Calls draw before the next frame, however often it is asked for. */
function onceAFrame(draw) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; draw(); });
  };
}

/** Whole numbers of an axis that get a tick: steps of 1, 2 or 5 times a power of ten. */
function ticks(low, high, most) {
  const wanted = Math.max((high - low) / most, 1);
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = [1, 2, 5, 10].map((times) => times * power).find((size) => size >= wanted);
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high; at += step) found.push(at);
  return found;
}

/** The smallest and the largest value of a column; of none, those of the whole axis. */
function extentOf(column, size) {
  if (!column.length) return [0, size - 1];
  let low = Infinity, high = -Infinity;
  for (const value of column) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

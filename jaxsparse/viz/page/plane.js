// A view of two axes: an image painted pixel by pixel, with axes around it.

const SMALL_IMAGE = 128; // pixels: up to here the whole image is shown, of larger ones what is used
const SPARE = 8; // pixels around those in use
const LEAST = 2; // screen dots that a pixel takes at least: a thin track must not fade away
const NEAR = 7; // CSS pixels from which a pixel is pointed at

class Plane {
  /** place: the element to draw in; view: its shape, axes and which of them goes across. */
  constructor(place, view, background) {
    this.view = view;
    this.background = background;
    this.wide = Math.min(Math.max(view.shape[view.across] / view.shape[1 - view.across], 0.9), 2.2);
    place.style.aspectRatio = this.wide;
    this.partners = [this]; // all planes in line with this one
    this.canvas = place.appendChild(document.createElement("canvas"));
    this.redraw = onceAFrame(() => this.draw());
  }

  show(pixels) {
    const { across } = this.view;
    this.pixels = pixels;
    this.x = pixels.columns[`axis${across}`];
    this.y = pixels.columns[`axis${1 - across}`];
    this.whole = false;
    this.fitted = false;
    this.redraw();
  }

  paint({ colours, order }) {
    this.colours = colours;
    this.order = order;
    this.redraw();
  }

  /** Shows the pixels in use, or the whole image; planes in line have one scale and one range. */
  fit() {
    const seen = this.partners.filter((one) => one === this || one.canvas.parentElement.clientWidth);
    this.scale = Math.min(...seen.map((one) => one.fittingScale()));
    this.middle = this.ranges().map(([low, high]) => (low + high) / 2);
    this.fitted = true;
    this.moved = false;
    const leader = this.partners.find((one) => one !== this && one.fitted && one.moved);
    if (leader) this.follow(leader);
  }

  /** First and last pixel to show along one of the axes, 0 is across. */
  range(axis) {
    const { shape, across } = this.view;
    const size = axis ? shape[1 - across] : shape[across];
    if (this.whole || Math.max(...shape) <= SMALL_IMAGE) return [0, size - 1];
    const [low, high] = extentOf(axis ? this.y : this.x, size);
    return [Math.max(low - SPARE, 0), Math.min(high + SPARE, size - 1)];
  }

  /** The same along both; that of the shared axis holds the pixels of all planes in line. */
  ranges() {
    return [0, 1].map((axis) => {
      const used = this.partners.filter((one) => one.x.length);
      const found = axis === this.view.along && used.length
        ? used.map((one) => one.range(axis)) : [this.range(axis)];
      return [Math.min(...found.map(([low]) => low)), Math.max(...found.map(([, high]) => high))];
    });
  }

  fittingScale() {
    const { width, height } = this.area();
    const [[left, right], [bottom, top]] = this.ranges();
    return Math.min(width / (right - left + 1), height / (top - bottom + 1));
  }

  /** Stays in line with another plane that was moved. */
  follow(other) {
    if (other === this || !this.partners.includes(other)) return;
    this.whole = other.whole;
    if (other.fitted) {
      if (!this.fitted) this.middle ??= this.ranges().map(([low, high]) => (low + high) / 2);
      this.scale = other.scale;
      this.middle[this.view.along] = other.middle[this.view.along];
    }
    this.fitted = other.fitted;
    this.moved = other.moved;
    this.redraw();
  }

  reset() {
    this.whole = !this.whole;
    this.fitted = false;
    this.redraw();
  }

  resize() {
    this.fitted &&= this.moved;
    this.redraw();
  }

  /** Width and height of the image without its axes, CSS pixels. */
  area() {
    const { clientWidth, clientHeight } = this.canvas.parentElement;
    return {
      width: Math.max(clientWidth - MARGIN.left - MARGIN.right, 1),
      height: Math.max(clientHeight - MARGIN.top - MARGIN.bottom, 1),
    };
  }

  /** CSS pixels of the edge of a pixel; pixel n reaches from n - 0.5 to n + 0.5. */
  place(x, y) {
    const { width, height } = this.area();
    return [
      MARGIN.left + width / 2 + (x - this.middle[0]) * this.scale,
      MARGIN.top + height / 2 - (y - this.middle[1]) * this.scale,
    ];
  }

  drag(dx, dy) {
    this.middle[0] -= dx / this.scale;
    this.middle[1] += dy / this.scale;
    this.moved = true;
    this.redraw();
  }

  zoom(factor, x, y) {
    const [x0, y0] = this.place(...this.middle);
    const scale = Math.min(Math.max(this.scale * factor, 0.02), 200);
    const kept = 1 / this.scale - 1 / scale; // the point below the hand stays there
    this.middle[0] += (x - x0) * kept;
    this.middle[1] -= (y - y0) * kept;
    this.scale = scale;
    this.moved = true;
    this.redraw();
  }

  /** The row of the pixel at a position, -1 for none. */
  pick(x, y) {
    const [x0, y0] = this.place(...this.middle);
    const across = this.middle[0] + (x - x0) / this.scale; // in pixels of the image, as all below
    const up = this.middle[1] - (y - y0) / this.scale;
    let best = -1, nearest = Math.max(NEAR / this.scale, 0.5);
    for (let row = 0; row < this.pixels.count; row++) {
      const apart = Math.max(Math.abs(this.x[row] - across), Math.abs(this.y[row] - up));
      if (apart < nearest && this.colours[4 * row + 3] !== HIDDEN) {
        nearest = apart;
        best = row;
      }
    }
    return best;
  }

  draw() {
    const { width, height, ratio } = fitCanvas(this.canvas);
    if (!width) return; // not on the page
    if (!this.fitted) this.fit();
    const context = this.canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.putImageData(this.image(width * ratio, height * ratio, ratio), 0, 0);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.drawAxes(context, width, height);
  }

  /** All pixels in their order, each a square of whole dots. */
  image(width, height, ratio) {
    width = Math.max(Math.round(width), 1);
    height = Math.max(Math.round(height), 1);
    const dots = new Uint32Array(width * height).fill(packed([255, 255, 255]));
    const colours = new Uint32Array(this.colours.buffer);
    const scale = this.scale * ratio;
    const paint = (x0, x1, y0, y1, colour) => {
      const from = Math.max(x0, 0), to = Math.max(Math.min(x1, width), 0);
      for (let y = Math.max(y0, 0); y < Math.min(y1, height); y++) {
        dots.fill(colour, y * width + from, y * width + to);
      }
    };
    const { shape, across } = this.view;
    const [left, top] = this.place(-0.5, 0.5).map((edge) => edge * ratio); // of pixel 0, 0
    const right = left + shape[across] * scale, bottom = top + scale;
    paint(
      Math.round(left), Math.round(right),
      Math.round(bottom - shape[1 - across] * scale), Math.round(bottom), packed(this.background),
    );
    for (const row of this.order) {
      if (this.colours[4 * row + 3] === HIDDEN) continue;
      const x = left + this.x[row] * scale, y = top - this.y[row] * scale;
      const x0 = Math.round(x), x1 = Math.max(Math.round(x + scale), x0 + LEAST);
      const y0 = Math.round(y), y1 = Math.max(Math.round(y + scale), y0 + LEAST);
      paint(x0, x1, y0, y1, colours[row] | 0xff000000);
    }
    return new ImageData(new Uint8ClampedArray(dots.buffer), width, height);
  }

  drawAxes(context, width, height) {
    const { axes, across, shape } = this.view;
    const right = width - MARGIN.right, bottom = height - MARGIN.bottom;
    context.fillStyle = "#fff";
    context.fillRect(0, 0, MARGIN.left, height);
    context.fillRect(0, bottom, width, MARGIN.bottom);
    context.fillRect(right, 0, MARGIN.right, height);
    context.fillRect(0, 0, width, MARGIN.top);
    context.strokeStyle = LINE;
    context.strokeRect(MARGIN.left, MARGIN.top, right - MARGIN.left, bottom - MARGIN.top);
    context.fillStyle = INK;
    context.font = "11px system-ui, sans-serif";
    const shown = (middle, length, size) => ticks(
      Math.max(middle - length / 2 / this.scale, 0),
      Math.min(middle + length / 2 / this.scale, size - 1), length / 70);
    context.textAlign = "center";
    for (const tick of shown(this.middle[0], right - MARGIN.left, shape[across])) {
      const [x] = this.place(tick, 0);
      context.fillRect(x, bottom, 1, 4);
      context.fillText(tick, x, bottom + 15);
    }
    context.fillText(axes[across], (MARGIN.left + right) / 2, height - 6);
    context.textAlign = "right";
    for (const tick of shown(this.middle[1], bottom - MARGIN.top, shape[1 - across])) {
      const [, y] = this.place(0, tick);
      context.fillRect(MARGIN.left - 4, y, 4, 1);
      context.fillText(tick, MARGIN.left - 7, y + 4);
    }
    context.save();
    context.translate(12, (MARGIN.top + bottom) / 2);
    context.rotate(-Math.PI / 2);
    context.textAlign = "center";
    context.fillText(axes[1 - across], 0, 0);
    context.restore();
    if (!this.pixels.count) {
      context.textAlign = "center";
      context.fillText("no pixels", (MARGIN.left + right) / 2, (MARGIN.top + bottom) / 2);
    }
  }
}

/** A colour as image data holds it: opacity, blue, green, red from the highest byte on. */
function packed([red, green, blue]) {
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

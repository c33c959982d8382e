// A view of three axes: points that turn, drawn by WebGL, in a box with the names of the axes.

const VERTEX = `
attribute vec3 place;
attribute vec4 colour;
uniform mat4 turn;
uniform float size;
uniform vec3 background;
varying vec3 tint;
void main() {
  gl_Position = turn * vec4(place, 1.0);
  gl_PointSize = size;
  float distance = 0.5 + 0.5 * gl_Position.z;
  tint = mix(colour.rgb, background, 0.5 * distance); // far points are paler
  if (colour.a == 0.0) gl_Position = vec4(2.0, 2.0, 2.0, 1.0); // hidden: out of the picture
  else if (colour.a < 0.75) gl_Position.z = 0.99 + 0.009 * gl_Position.z; // behind all others
}`;
const FRAGMENT = `
precision mediump float;
varying vec3 tint;
void main() { gl_FragColor = vec4(tint, 1.0); }`;
const TURN = 0.008; // radians a CSS pixel
const EDGE = 0.95; // how large the box is, against the picture

class Space {
  constructor(place, view, background) {
    this.view = view;
    this.background = background;
    this.box = place.appendChild(document.createElement("canvas"));
    this.canvas = place.appendChild(document.createElement("canvas"));
    this.gl = this.canvas.getContext("webgl", { antialias: false });
    if (this.gl) this.prepare();
    this.canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    this.canvas.addEventListener("webglcontextrestored", () => {
      this.prepare();
      this.upload();
    });
    this.redraw = onceAFrame(() => this.draw());
  }

  prepare() {
    const { gl } = this;
    const program = gl.createProgram();
    for (const [type, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(type);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    gl.useProgram(program);
    this.uniforms = ["turn", "size", "background"].map(
      (name) => gl.getUniformLocation(program, name));
    this.buffers = [["place", 3, gl.FLOAT, false], ["colour", 4, gl.UNSIGNED_BYTE, true]].map(
      ([name, numbers, type, parts]) => {
        const buffer = gl.createBuffer(), attribute = gl.getAttribLocation(program, name);
        gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
        gl.enableVertexAttribArray(attribute);
        gl.vertexAttribPointer(attribute, numbers, type, parts, 0, 0);
        return buffer;
      });
    gl.enable(gl.DEPTH_TEST);
    gl.clearColor(0, 0, 0, 0);
  }

  show(pixels) {
    this.pixels = pixels;
    const columns = [0, 1, 2].map((axis) => pixels.columns[`axis${axis}`]);
    this.ends = columns.map((column, axis) => extentOf(column, this.view.shape[axis]));
    this.middle = this.ends.map(([low, high]) => (low + high) / 2);
    this.half = Math.hypot(...this.ends.map(([low, high]) => (high - low + 1) / 2));
    this.places = new Float32Array(3 * pixels.count);
    columns.forEach((column, axis) => {
      for (let row = 0; row < pixels.count; row++) {
        this.places[3 * row + axis] = column[row] - this.middle[axis];
      }
    });
    this.colours = new Uint8Array(4 * pixels.count);
    this.reset();
  }

  paint({ colours }) {
    this.colours = colours;
    this.upload();
  }

  upload() {
    const { gl } = this;
    if (gl) {
      [this.places, this.colours].forEach((values, place) => {
        gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[place]);
        gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW);
      });
    }
    this.redraw();
  }

  resize() {
    this.redraw();
  }

  reset() {
    [this.yaw, this.pitch, this.size, this.moved] = [0.6, 0.35, 1, [0, 0]];
    this.redraw();
  }

  drag(dx, dy, moves) {
    if (moves) {
      this.moved[0] += dx;
      this.moved[1] += dy;
    } else {
      this.yaw -= TURN * dx;
      this.pitch = Math.max(-Math.PI / 2, Math.min(Math.PI / 2, this.pitch + TURN * dy));
    }
    this.redraw();
  }

  zoom(factor, x, y) {
    const { clientWidth, clientHeight } = this.canvas.parentElement;
    const size = Math.min(Math.max(this.size * factor, 0.3), 60);
    const grown = size / this.size; // the point below the hand stays there
    this.moved[0] = (x - clientWidth / 2) * (1 - grown) + this.moved[0] * grown;
    this.moved[1] = (y - clientHeight / 2) * (1 - grown) + this.moved[1] * grown;
    this.size = size;
    this.redraw();
  }

  /** What is right, up and away from the eye along the axes x, y, z; unturned z, y and x. */
  rows() {
    const [a, b, c, d] = [
      Math.cos(this.yaw), Math.sin(this.yaw), Math.cos(this.pitch), Math.sin(this.pitch),
    ];
    return [[b, 0, a], [a * d, c, -b * d], [a * c, -d, -b * c]];
  }

  /** CSS pixels per unit of the axes. */
  scale() {
    const { clientWidth, clientHeight } = this.canvas.parentElement;
    return (EDGE * this.size * Math.sqrt(clientWidth * clientHeight)) / (2 * this.half);
  }

  /** Position on the screen of a point, relative to the middle of the box. */
  place([x, y, z], rows, scale) {
    const { clientWidth, clientHeight } = this.canvas.parentElement;
    const [right, up] = rows.map((row) => row[0] * x + row[1] * y + row[2] * z);
    return [
      clientWidth / 2 + this.moved[0] + scale * right,
      clientHeight / 2 + this.moved[1] - scale * up,
    ];
  }

  /** The row of the nearest voxel in front of a position, -1 for none. */
  pick(x, y) {
    const [right, up, away] = this.rows(), scale = this.scale(), { places, colours } = this;
    const [x0, y0] = this.place([0, 0, 0], [right, up], scale);
    const reach = Math.max(NEAR, scale / 2);
    let best = -1, least = Infinity;
    for (let row = 0; row < this.pixels.count; row++) {
      const px = places[3 * row], py = places[3 * row + 1], pz = places[3 * row + 2];
      const dx = x0 + scale * (right[0] * px + right[1] * py + right[2] * pz) - x;
      if (Math.abs(dx) > reach) continue;
      const dy = y0 - scale * (up[0] * px + up[1] * py + up[2] * pz) - y;
      const apart = Math.hypot(dx, dy), opacity = colours[4 * row + 3];
      if (apart > reach || opacity === HIDDEN) continue;
      // A voxel in front counts before one behind, unless that is nearer to the hand.
      const depth = (away[0] * px + away[1] * py + away[2] * pz) / this.half;
      const cost = depth + apart + (opacity === BEHIND ? 2 * NEAR : 0);
      if (cost < least) {
        least = cost;
        best = row;
      }
    }
    return best;
  }

  draw() {
    const { width, height, ratio } = fitCanvas(this.box);
    if (!width) return; // not on the page
    fitCanvas(this.canvas);
    const rows = this.rows(), scale = this.scale();
    this.drawBox(this.box.getContext("2d"), width, height, ratio, rows, scale);
    const { gl } = this;
    if (!gl) return;
    const sx = (2 * scale) / width, sy = (2 * scale) / height, sz = 1 / (1.01 * this.half);
    const turn = [0, 1, 2].flatMap(
      (axis) => [sx * rows[0][axis], sy * rows[1][axis], sz * rows[2][axis], 0]);
    turn.push((2 * this.moved[0]) / width, (-2 * this.moved[1]) / height, 0, 1);
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.uniformMatrix4fv(this.uniforms[0], false, turn);
    gl.uniform1f(this.uniforms[1], Math.max(2, 1.1 * scale * ratio));
    gl.uniform3f(this.uniforms[2], ...this.background.map((part) => part / 255));
    gl.drawArrays(gl.POINTS, 0, this.pixels.count);
  }

  drawBox(context, width, height, ratio, rows, scale) {
    const [red, green, blue] = this.background;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = `rgb(${red}, ${green}, ${blue})`;
    context.fillRect(0, 0, width, height);
    const corner = (ends) => this.place(
      ends.map((end, axis) => this.ends[axis][end] + end - 0.5 - this.middle[axis]), rows, scale);
    context.strokeStyle = "#c9c9c4";
    context.fillStyle = INK;
    context.font = "12px system-ui, sans-serif";
    context.textAlign = "center";
    for (const axis of [0, 1, 2]) {
      for (const [one, other] of [[0, 0], [0, 1], [1, 0], [1, 1]]) {
        const from = [0, 0, 0];
        from[(axis + 1) % 3] = one;
        from[(axis + 2) % 3] = other;
        const to = from.map((end, number) => (number === axis ? 1 : end));
        const [[x0, y0], [x1, y1]] = [corner(from), corner(to)];
        context.beginPath();
        context.moveTo(x0, y0);
        context.lineTo(x1, y1);
        context.stroke();
        if (one || other) continue;
        const [low, high] = this.ends[axis];
        const text = `${this.view.axes[axis]} ${low} to ${high}`;
        context.fillText(text, (x0 + x1) / 2, (y0 + y1) / 2 + 14);
      }
    }
    const remark = !this.gl ? "This browser has no WebGL, which 3-D views need."
      : this.pixels.count ? "" : "no pixels";
    context.fillText(remark, width / 2, height / 2);
  }
}

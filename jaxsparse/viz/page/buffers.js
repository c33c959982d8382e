// Columns of numbers as the page stores them: base64 of one run of bytes, little endian.

const TYPES = {
  uint8: Uint8Array, int8: Int8Array, uint16: Uint16Array, int16: Int16Array, int32: Int32Array,
  float32: Float32Array,
};

/** The bytes that a base64 text stands for. */
function decode(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/** Columns by name: typed arrays that share the bytes. */
function columnsOf(bytes, described) {
  const columns = {};
  for (const [name, { type, offset, length }] of Object.entries(described)) {
    columns[name] = new TYPES[type](bytes.buffer, bytes.byteOffset + offset, length);
  }
  return columns;
}

/** An event of the page: its views' pixels and its particles. */
function readEvent(described, text) {
  const bytes = decode(text);
  const views = {}, instanceColours = {};
  for (const [name, colours] of Object.entries(described.instanceColours)) {
    instanceColours[name] = Object.fromEntries(
      Object.entries(colours).map(([number, colour]) => [number, rgb(colour)]));
  }
  for (const [name, view] of Object.entries(described.views)) {
    views[name] = {
      count: view.pixels, top: view.top, columns: columnsOf(bytes, view.columns), instanceColours,
    };
  }
  return {
    number: described.number, title: described.title, views,
    particles: columnsOf(bytes, described.particles),
  };
}

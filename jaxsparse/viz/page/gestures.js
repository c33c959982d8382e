// Mouse, pen and fingers as the same few gestures.

const CLICK = 5; // CSS pixels that a hand may tremble

/**
 * Listens to a place on the page. All positions are CSS pixels in it.
 *
 * drag(dx, dy, moves): moves is true with shift, the right button or two fingers.
 * zoom(factor, x, y), hover(x, y), leave(), click(x, y), reset().
 */
function listen(place, { drag, zoom, hover, leave, click, reset }) {
  const pointers = new Map();
  let travelled = 0;
  const at = (event) => {
    const box = place.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  place.addEventListener("pointerdown", (event) => {
    place.setPointerCapture(event.pointerId);
    if (!pointers.size) travelled = 0;
    pointers.set(event.pointerId, at(event));
    leave();
  });
  place.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId), now = at(event);
    if (!before) return hover(now.x, now.y);
    const dx = now.x - before.x, dy = now.y - before.y;
    travelled += Math.abs(dx) + Math.abs(dy);
    pointers.set(event.pointerId, now);
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (!other) return drag(dx, dy, event.shiftKey || event.buttons === 2);
    const apart = (point) => Math.hypot(point.x - other.x, point.y - other.y);
    zoom(apart(now) / Math.max(apart(before), 1), (now.x + other.x) / 2, (now.y + other.y) / 2);
    drag(dx / 2, dy / 2, true);
  });
  const end = (event) => {
    const last = pointers.get(event.pointerId);
    pointers.delete(event.pointerId);
    if (last && event.type === "pointerup" && travelled < CLICK) click(last.x, last.y);
  };
  place.addEventListener("pointerup", end);
  place.addEventListener("pointercancel", end);
  place.addEventListener("pointerleave", leave);
  place.addEventListener("dblclick", reset);
  place.addEventListener("contextmenu", (event) => event.preventDefault());
  place.addEventListener("wheel", (event) => {
    event.preventDefault();
    const { x, y } = at(event);
    zoom(Math.exp(-0.0015 * event.deltaY), x, y);
  }, { passive: false });
}

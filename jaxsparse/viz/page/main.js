// The page: what is chosen, the panels, and what happens when somebody touches something.

const element = (id) => document.getElementById(id);
const page = JSON.parse(element("description").textContent);
const palette = {
  classes: page.classes.map(({ colour }) => rgb(colour)),
  charge: page.scales.charge.map(rgb),
  score: page.scales.score.map(rgb),
  leastScore: page.leastScore,
  none: rgb(page.colours.none),
  right: rgb(page.colours.right),
};
// Of every view there may be a second panel, with colours of its own; ghosts are hidden at first.
const state = {
  place: 0, mode: "charge", beside: null, hidden: new Set(page.ghost < 0 ? [] : [page.ghost]),
  hiddenViews: new Set(), selected: null,
};
let event; // the one that is shown

function make(parent, name, text = "", className = "") {
  const made = parent.appendChild(document.createElement(name));
  made.textContent = text;
  made.className = className;
  return made;
}

function makePanel([name, view], second) {
  const section = make(document.querySelector("main"), "section");
  const heading = make(section, "h2");
  make(heading, "span", name);
  const note = make(heading, "span", "", "note");
  const scale = make(heading, "span", "", "scale");
  const [low, bar, high] = ["span", "i", "span"].map((kind) => make(scale, kind));
  const place = make(section, "div", "", "image");
  const shape = view.shape.length === 2 ? Plane : Space;
  const image = new shape(place, view, rgb(page.colours.background));
  const panel = { name, view, second, section, note, scale, low, bar, high, place, image };
  const both = (move) => {
    panels.filter((one) => one.name === name).forEach((one) => move(one.image));
    for (const one of panels) one.image.follow?.(image);
  };
  listen(place, {
    drag: (...moved) => both((one) => one.drag(...moved)),
    zoom: (...zoomed) => both((one) => one.zoom(...zoomed)),
    reset: () => both((one) => one.reset()),
    leave: () => { element("hovered").hidden = true; },
    hover: (x, y) => hover(panel, x, y),
    click: (x, y) => {
      select(panel, x, y);
      hover(panel, x, y); // a finger does not hover
    },
  });
  new ResizeObserver(() => image.resize()).observe(place);
  return panel;
}

const panels = Object.entries(page.views).map((named) => makePanel(named, false));

/** Planes that share an axis lie in line: one above the other where it goes across. */
function lineUp() {
  const planes = panels.filter(({ view }) => view.along >= 0);
  for (const { view, image, place } of planes) {
    image.partners = planes.map((one) => one.image);
    if (view.along === 1) { // side by side, they are equally high
      place.style.aspectRatio = Math.max(...image.partners.map(({ wide }) => wide));
    }
  }
  document.querySelector("main").classList.toggle("down", planes.some(({ view }) => view.along === 0));
}
lineUp();

function modeOf(panel) {
  return panel.second ? state.beside : state.mode;
}

/** Shows or hides panels; the second ones are made when they are asked for first. */
function arrange() {
  if (state.beside && panels.length === Object.keys(page.views).length) {
    panels.push(...Object.entries(page.views).map((named) => {
      const panel = makePanel(named, true);
      panels.find(({ name }) => name === panel.name).section.after(panel.section);
      panel.image.show(event.views[panel.name]);
      return panel;
    }));
    lineUp();
  }
  document.querySelector("main").classList.toggle("paired", Boolean(state.beside));
  for (const panel of panels) {
    const twice = state.beside && hasMode(event.views[panel.name], state.beside);
    panel.section.hidden = state.hiddenViews.has(panel.name) || (panel.second && !twice);
    panel.section.className = twice && !panel.second ? "first" : ""; // of a pair in one row
  }
}

function hover(panel, x, y) {
  const box = element("hovered"), row = panel.image.pick(x, y);
  box.hidden = row < 0;
  if (row < 0) return;
  box.textContent = pixelWords(page, event, panel.name, row).join("\n");
  const around = panel.place.getBoundingClientRect();
  const right = Math.min(around.left + x + 16, window.innerWidth - box.offsetWidth - 4);
  const down = Math.min(around.top + y + 16, window.innerHeight - box.offsetHeight - 4);
  box.style.left = `${right}px`;
  box.style.top = `${down}px`;
}

function select(panel, x, y) {
  const row = panel.image.pick(x, y), predicted = modeOf(panel) === "predicted_instance";
  const number = row < 0 ? -1 : instancesOf(event.views[panel.name], predicted)?.[row] ?? -1;
  const again = state.selected?.number === number && state.selected.predicted === predicted;
  state.selected = number < 0 || again ? null : { number, predicted };
  paint();
}

/** A checkbox or a radio button with its words. */
function choice(parent, type, words, checked, change) {
  const label = make(parent, "label"), input = make(label, "input");
  input.type = type;
  input.name = parent.id;
  input.checked = checked;
  input.addEventListener("change", () => change(input.checked));
  make(label, "span", words);
  return label;
}

function clear(box) {
  while (box.children.length > 1) box.lastChild.remove(); // the legend stays
}

function toggle(set, value, shown) {
  if (shown) set.delete(value);
  else set.add(value);
}

function showModes() {
  const box = element("modes"), beside = element("beside"), views = Object.values(event.views);
  const known = Object.keys(MODES).filter((mode) => views.some((view) => hasMode(view, mode)));
  if (!known.includes(state.mode)) state.mode = "charge";
  clear(box);
  for (const mode of known) {
    choice(box, "radio", MODES[mode].words, mode === state.mode, () => {
      state.mode = mode;
      if (state.selected && state.selected.predicted !== (mode === "predicted_instance")) {
        state.selected = null;
      }
      paint();
    });
  }
  if (!known.includes(state.beside)) state.beside = null;
  clear(beside);
  beside.hidden = known.length < 2;
  for (const mode of [null, ...known]) {
    const words = mode ? MODES[mode].words : "nothing";
    choice(beside, "radio", words, mode === state.beside, () => {
      state.beside = mode;
      arrange();
      for (const { image } of panels) image.reset(); // both of a view look from the same side
      paint();
    });
  }
}

function showViews() {
  const box = element("views");
  box.hidden = panels.length < 2;
  for (const name of Object.keys(page.views)) {
    choice(box, "checkbox", name, true, (shown) => {
      toggle(state.hiddenViews, name, shown);
      arrange();
    });
  }
}

/** The classes that occur, with their colours where pixels have these, and their pixels. */
function showClasses() {
  const box = element("classes"), counts = new Map();
  for (const pixels of Object.values(event.views)) {
    for (const [label, count] of countClasses(classesOf(pixels, state.mode) ?? [])) {
      counts.set(label, (counts.get(label) ?? 0) + count);
    }
    const others = state.beside ? classesOf(pixels, state.beside) ?? [] : [];
    for (const label of new Set(others)) counts.set(label, counts.get(label) ?? 0);
  }
  clear(box);
  box.hidden = !counts.size;
  box.querySelector("legend").textContent =
    MODES[state.mode].predicted ? "predicted classes" : "classes";
  const coloured = ["truth", "prediction", "wrong"].some(
    (mode) => [state.mode, state.beside].includes(mode));
  for (const label of [...counts.keys()].sort((one, other) => (one < 0) - (other < 0) || one - other)) {
    const words = label >= 0 ? page.classes[label].name
      : MODES[state.mode].predicted ? "not scored" : "no class";
    const entry = choice(box, "checkbox", words, !state.hidden.has(label), (shown) => {
      toggle(state.hidden, label, shown);
      paint();
    });
    make(entry, "span", counts.get(label).toLocaleString("en"), "count");
    if (!coloured) continue;
    const swatch = document.createElement("span");
    swatch.className = "swatch";
    swatch.style.background = label < 0 ? page.colours.none : page.classes[label].colour;
    entry.insertBefore(swatch, entry.children[1]);
  }
}

/** The scale of colours beside the name of a view, where the colours are of numbers. */
function showScale(panel, pixels) {
  const mode = modeOf(panel), scores = mode === "score" && hasMode(pixels, "score");
  const charges = mode === "charge" || !hasMode(pixels, mode);
  panel.scale.hidden = !scores && !charges;
  if (panel.scale.hidden) return;
  const shades = page.scales[scores ? "score" : "charge"];
  panel.bar.style.background = `linear-gradient(to right, ${shades.join(", ")})`;
  panel.low.textContent = scores ? palette.leastScore.toFixed(2) : "0";
  const unit = panel.view.unit ? ` ${panel.view.unit}` : "";
  panel.high.textContent = scores ? "1" : `${rounded(pixels.top)}${unit}`;
}

function paint() {
  showClasses();
  element("selected").textContent =
    state.selected ? selectedWords(page, event, state.selected) : "";
  for (const panel of panels) {
    const pixels = event.views[panel.name], mode = modeOf(panel);
    if (!mode) continue; // nothing is beside it
    showScale(panel, pixels);
    const words = [state.beside ? MODES[mode].words : "", `${pixels.count.toLocaleString("en")} pixels`, wrongWords(pixels)];
    panel.note.textContent = words.filter(Boolean).join(", ");
    panel.image.paint(paintPixels(pixels, { ...state, mode }, palette));
  }
}

function showEvent(place) {
  if (!(place >= 0 && place < page.events.length)) return;
  state.place = place;
  state.selected = null;
  event = readEvent(page.events[place], element(`event-${place}`).textContent);
  element("events").value = place;
  element("title").textContent = event.title;
  element("previous").disabled = place === 0;
  element("next").disabled = place === page.events.length - 1;
  for (const panel of panels) panel.image.show(event.views[panel.name]);
  showModes();
  arrange();
  paint();
}

page.events.forEach(({ number }, place) => {
  const option = make(element("events"), "option", `event ${number}`);
  option.value = place;
});
element("events").addEventListener("change", ({ target }) => showEvent(Number(target.value)));
element("previous").addEventListener("click", () => showEvent(state.place - 1));
element("next").addEventListener("click", () => showEvent(state.place + 1));
document.addEventListener("keydown", ({ key, target }) => {
  if (["INPUT", "SELECT"].includes(target.tagName)) return; // arrows choose there
  if (key === "ArrowLeft") showEvent(state.place - 1);
  if (key === "ArrowRight") showEvent(state.place + 1);
  if (key === "Escape") { state.selected = null; paint(); }
});
showViews();
showEvent(0);

// What the page says of a pixel and of a particle, as lines of text.

/** A number as people read it: four digits. */
function rounded(value) {
  return Number.isInteger(value) ? value.toLocaleString("en") : String(+value.toPrecision(4));
}

function className(page, label) {
  return page.classes[label]?.name ?? "none";
}

/** A particle of the event's table: its name, its energy. */
function particleWords(page, event, number) {
  const { pdg, kinetic_energy: energy } = event.particles;
  if (!(number < pdg.length)) return `particle ${number}`;
  const name = page.particles[pdg[number]];
  const known = Number.isFinite(energy[number]) ? `, ${rounded(energy[number])} MeV` : "";
  return `${name}${known} (particle ${number})`;
}

/** Everything that is known of a pixel, a line each. */
function pixelWords(page, event, name, row) {
  const view = page.views[name], { columns } = event.views[name];
  const places = view.axes.map((axis, number) => `${axis} ${columns[`axis${number}`][row]}`);
  const lines = [`${name}: ${places.join(", ")}`];
  const unit = view.unit ? ` ${view.unit}` : "";
  lines.push(`value ${rounded(columns.values[row])}${unit}`);
  const { labels, prediction, score, instance, predicted_instance: predicted } = columns;
  if (labels) lines.push(`truth ${className(page, labels[row])}`);
  if (prediction) {
    const known = Number.isNaN(score[row]) ? "" : ` (${score[row].toFixed(3)})`;
    lines.push(`prediction ${className(page, prediction[row])}${known}`);
  }
  if (instance?.[row] >= 0) lines.push(particleWords(page, event, instance[row]));
  if (predicted?.[row] >= 0) lines.push(`predicted particle ${predicted[row]}`);
  const said = ["values", "labels", "prediction", "score", "instance", "predicted_instance"];
  for (const [column, values] of Object.entries(columns)) {
    if (said.includes(column) || column.startsWith("axis") || !Number.isFinite(values[row])) continue;
    const value = page.flags.includes(column) ? ["no", "yes"][values[row]] : rounded(values[row]);
    lines.push(`${column.replaceAll("_", " ")} ${value}`);
  }
  return lines;
}

/** The predicted particle that one belongs to, NaN for none. */
function parentOf(event, number) {
  for (const { columns } of Object.values(event.views)) {
    const row = columns.predicted_instance?.indexOf(number) ?? -1;
    if (row >= 0) return columns.predicted_parent?.[row] ?? NaN;
  }
  return NaN;
}

/** A chosen particle, and how many pixels of each view are its own. */
function selectedWords(page, event, { number, predicted }) {
  const counts = Object.entries(event.views).flatMap(([name, pixels]) => {
    const count = instancesOf(pixels, predicted)?.filter((other) => other === number).length;
    return count ? [`${name} ${count.toLocaleString("en")}`] : [];
  });
  const parent = predicted ? parentOf(event, number) : NaN;
  const belongs = Number.isFinite(parent) ? `, which belongs to ${parent}` : "";
  const who = predicted ? `Predicted particle ${number}${belongs}` : particleWords(page, event, number);
  return `${who}: pixels in ${counts.join(", ")}. Click beside it to see all again.`;
}

/** How many of the pixels that have truth and a prediction are wrong; "" if none has both. */
function wrongWords(pixels) {
  const { labels, prediction } = pixels.columns;
  if (!labels || !prediction) return "";
  let known = 0, wrong = 0;
  for (let row = 0; row < pixels.count; row++) {
    known += Number(labels[row] >= 0 && prediction[row] >= 0);
    wrong += Number(isWrong(pixels, row));
  }
  const [some, all] = [wrong, known].map((number) => number.toLocaleString("en"));
  return known ? `${some} of ${all} wrong (${((100 * wrong) / known).toFixed(1)} %)` : "";
}

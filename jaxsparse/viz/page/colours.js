// What colour a pixel has, which pixels lie on top, and which are only the background.

const HIDDEN = 0, BEHIND = 128, SHOWN = 255; // opacity of a pixel; of BEHIND no other is hidden

// By name: the columns that a way to colour needs, its words, and whose classes it shows.
const MODES = {
  charge: { needs: ["values"], words: "charge" },
  truth: { needs: ["labels"], words: "truth" },
  prediction: { needs: ["prediction"], words: "prediction", predicted: true },
  wrong: { needs: ["prediction", "labels"], words: "wrong pixels" },
  score: { needs: ["score"], words: "highest score", predicted: true },
  instance: { needs: ["instance"], words: "particle" },
  predicted_instance: {
    needs: ["predicted_instance"], words: "predicted particle", predicted: true,
  },
};

function hasMode(pixels, mode) {
  return MODES[mode].needs.every((name) => name in pixels.columns);
}

/** The classes that toggles act on: the predicted ones where these are shown, else the true ones. */
function classesOf(pixels, mode) {
  const { labels, prediction } = pixels.columns;
  return MODES[mode].predicted ? prediction : labels ?? prediction;
}

/** The particles that a click chooses from. */
function instancesOf(pixels, predicted) {
  return pixels.columns[predicted ? "predicted_instance" : "instance"];
}

function isWrong(pixels, row) {
  const { labels, prediction } = pixels.columns;
  return labels[row] >= 0 && prediction[row] >= 0 && labels[row] !== prediction[row];
}

/** Red, green and blue of "#rrggbb". */
function rgb(hex) {
  return [1, 3, 5].map((place) => parseInt(hex.slice(place, place + 2), 16));
}

/** How many pixels each class has, by its number. */
function countClasses(labels) {
  const counts = new Map();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return counts;
}

/** For every way to colour: a colour and a rank, both of a row; higher ranks lie on top. */
function painter(pixels, mode, palette) {
  const { values, labels, prediction, score } = pixels.columns;
  const shade = (scale, part) => scale[Math.max(0, Math.min(255, Math.round(255 * part)))];
  const ofClass = (column) => {
    const counts = countClasses(column); // rare classes on top, no class lowest
    return {
      colour: (row) => palette.classes[column[row]] ?? palette.none,
      rank: (row) => (column[row] < 0 ? -Infinity : -counts.get(column[row])),
    };
  };
  const ofInstance = (name) => {
    const column = pixels.columns[name], colours = pixels.instanceColours[name];
    return {
      colour: (row) => colours[column[row]] ?? palette.none,
      rank: (row) => (column[row] < 0 ? -1 : 0),
    };
  };
  switch (mode) {
    case "truth": return ofClass(labels);
    case "prediction": return ofClass(prediction);
    case "wrong": return {
      colour: (row) => labels[row] < 0 || prediction[row] < 0 ? palette.none
        : isWrong(pixels, row) ? palette.classes[labels[row]] : palette.right,
      rank: (row) => Number(isWrong(pixels, row)),
      behind: (row) => !isWrong(pixels, row),
    };
    case "score": {
      const least = palette.leastScore;
      return {
        colour: (row) => Number.isNaN(score[row]) ? palette.none
          : shade(palette.score, (score[row] - least) / (1 - least)),
        rank: (row) => -score[row] || -Infinity,
      };
    }
    case "instance": case "predicted_instance": return ofInstance(mode);
    default: return {
      colour: (row) => shade(palette.charge, values[row] / pixels.top),
      rank: (row) => values[row],
    };
  }
}

/**
 * Red, green, blue and opacity of every pixel, and the order in which to draw them.
 *
 * state: { mode, hidden: Set of class numbers, selected: null or { number, predicted } }
 */
function paintPixels(pixels, state, palette) {
  const count = pixels.count;
  const colours = new Uint8Array(4 * count), ranks = new Float32Array(count);
  if (!hasMode(pixels, state.mode)) state = { ...state, mode: "charge" };
  const { colour, rank, behind = () => false } = painter(pixels, state.mode, palette);
  const classes = classesOf(pixels, state.mode);
  const { selected } = state;
  const instances = selected && instancesOf(pixels, selected.predicted);
  for (let row = 0; row < count; row++) {
    const other = selected && instances?.[row] !== selected.number;
    const opacity = classes && state.hidden.has(classes[row]) ? HIDDEN
      : other || behind(row) ? BEHIND : SHOWN;
    colours.set(other ? palette.none : colour(row), 4 * row);
    colours[4 * row + 3] = opacity;
    ranks[row] = opacity === BEHIND ? -Infinity : rank(row);
  }
  const order = Uint32Array.from({ length: count }, (_, row) => row);
  order.sort((one, other) => (ranks[one] < ranks[other] ? -1 : Number(ranks[one] > ranks[other])));
  return { colours, order };
}

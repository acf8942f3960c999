/* The reader's own sample. */

let sample = new Float64Array(network.features);
let given = null;

/** How odd an error is, in words. */
function judge(error) {
  if (!usual || !usual.sorted.length || !Number.isFinite(error)) return ["", ""];
  const larger = usual.sorted.filter(other => other >= error).length / usual.sorted.length;
  const chance = (larger * usual.samples + 1) / (usual.samples + 1);
  const share = 100 * (1 - larger);
  const note = `Its error is larger than that of ${share >= 99 && share < 100 ? share.toFixed(1) : Math.round(share)} % of the ${grouped(usual.samples)} ${usual.of}. A sample is called odd where at most 1 % of them have such an error.`;
  if (1 / (usual.samples + 1) > ODD) return [`Error ${significant(error)}`, `${note} These are too few to call one odd.`];
  return [`Error ${significant(error)}: ${chance <= ODD ? "odd" : "usual"}`, note];
}

/** Gives the network a sample and shows what it makes of it. */
function give(next) {
  sample = next;
  given = network.reconstruct(sample);
  const [verdict, note] = network.reconstructs ? judge(given.error) : ["", ""];
  $("verdict").textContent = verdict || (network.reconstructs ? `Error ${significant(given.error)}` : "");
  $("verdict-note").textContent = note;
  const beside = network.reconstructs ? { sample, errors: given.errors } : undefined;
  result("reconstruction", network.reconstructs ? "Reconstruction" : "Output", place => show(place, given.output, model.output, "What the network makes of it", beside));
  if (network.reconstructs && model.input.kind === "image") {
    showDifference();
  }
  if (latent <= 64) $("code-text").textContent = `Code: ${Array.from(given.code, value => significant(value)).join(", ")}`;
  say(`${$("verdict").textContent}. ${note}`);
}

/** How far each pixel is off: black where it is not, and of a field by how much and in which direction. */
function showDifference() {
  const { low, high, field } = model.input;
  const off = given.output.map((value, i) => value - sample[i]);
  if (!field) {
    const seen = off.map(value => Number.isNaN(value) ? low : Math.min(high, low + Math.abs(value)));
    result("difference", "Difference", place => showPicture(place, seen, model.input, "The difference"));
    return;
  }
  const most = off.reduce((most, value) => Math.abs(value) > most ? Math.abs(value) : most, 0) || 1;
  const units = { ...model.input, low: -most, high: most, field: { ...field, colours: field.deviations } };
  result("difference", "", place => {
    showPicture(place, off, units, "Output minus sample");
    place.firstChild.classList.add("deviations");
    place.nextSibling.textContent = `Output minus sample, off by at most ${significant(most)}`;
  });
}

function result(id, words, draw) {
  let figure = $(`result-${id}`);
  if (!figure) {
    figure = element("figure", { id: `result-${id}` }, element("div"), element("figcaption", { textContent: words }));
    $("results").append(figure);
  }
  draw(figure.firstChild);
}

/** A pad to draw on, of the network's own pixels enlarged. */
function makePad() {
  const { height, width, channels, low, high } = model.input;
  const zoom = Math.max(1, Math.ceil(280 / Math.max(height, width)));
  const pad = $("pad");
  [pad.width, pad.height] = [width * zoom, height * zoom];
  const small = element("canvas", { width, height });
  const [context, smallContext] = [pad.getContext("2d"), small.getContext("2d", { willReadFrequently: true })];
  // Paper is bright where samples are: one bright in the middle of its range has bright paper.
  const first = points && sampleOf(0);
  const bright = first ? median(first) > (low + high) / 2 : false;
  const paper = bright ? "#ffffff" : "#000000";
  const field = model.input.field;
  if (!field) {
    $("ink").value = bright ? "#000000" : "#ffffff";
    $("ink-label").hidden = channels === 1;
  }
  /* Of a field, numbers are drawn: what is there, and what was there before. */
  let [values, before] = [new Float64Array(network.features).fill(low), null];

  /** What the pad holds, as a sample. */
  const read = () => {
    smallContext.imageSmoothingEnabled = true;
    smallContext.imageSmoothingQuality = "high";
    smallContext.drawImage(pad, 0, 0, width, height);
    give(fromPixels(smallContext.getImageData(0, 0, width, height).data));
  };
  const fromPixels = pixels => {
    const values = new Float64Array(network.features);
    for (let pixel = 0; pixel < width * height; pixel++) {
      const [r, g, b] = pixels.slice(pixel * 4, pixel * 4 + 3);
      // Grey as Rec. 709 weights colours.
      const levels = channels === 1 ? [Math.floor((2126 * r + 7152 * g + 722 * b) / 10000)] : [r, g, b];
      levels.forEach((level, c) => { values[pixel * channels + c] = low + level / 255 * (high - low); });
    }
    return values;
  };
  const clear = () => {
    context.fillStyle = paper;
    context.fillRect(0, 0, pad.width, pad.height);
  };
  /** Shows a sample on the pad, so that one can draw on it. */
  const put = (next, drawn = false) => {
    values = Float64Array.from(next);
    if (!drawn) before = values;
    const holder = element("div");
    showPicture(holder, values, model.input, "");
    context.imageSmoothingEnabled = false;
    context.drawImage(holder.firstChild, 0, 0, pad.width, pad.height);
    give(values);
  };
  const file = async blob => {
    let picture;
    try {
      picture = await createImageBitmap(blob);
    } catch {
      $("verdict").textContent = "This file is no picture that the browser can read.";
      $("verdict-note").textContent = "Drop a PNG, JPEG, WebP or GIF.";
      return;
    }
    // The whole picture, in the middle; one of the right size keeps its pixels.
    const ratio = Math.min(width / picture.width, height / picture.height);
    const [w, h] = [picture.width * ratio, picture.height * ratio];
    smallContext.fillStyle = paper;
    smallContext.fillRect(0, 0, width, height);
    smallContext.imageSmoothingQuality = "high";
    smallContext.filter = $("invert").checked ? "invert(1)" : "none";
    smallContext.drawImage(picture, (width - w) / 2, (height - h) / 2, w, h);
    smallContext.filter = "none";
    const brought = fromPixels(smallContext.getImageData(0, 0, width, height).data);
    put(field?.south_first ? brought.map((_, i) => brought[(height - 1 - Math.floor(i / width)) * width + i % width]) : brought);
  };

  let last = null;
  const place = event => {
    const box = pad.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width * pad.width, (event.clientY - box.top) / box.height * pad.height];
  };
  /** Draws the value that is chosen into the numbers. */
  const spread = ([x, y]) => {
    const [column, row] = [x / pad.width * width, y / pad.height * height];
    const radius = Math.max(0.5, $("pen").value * width / 2);
    const next = Float64Array.from(values);
    for (let i = 0; i < next.length; i++) {
      const line = Math.floor(i / width);
      const shown = field.south_first ? height - 1 - line : line;
      if (Math.hypot(i % width + 0.5 - column, shown + 0.5 - row) <= radius) next[i] = Number($("level").value);
    }
    put(next, true);
  };
  const stroke = event => {
    const next = place(event);
    if (field) return spread(next);
    context.strokeStyle = $("ink").value;
    context.lineWidth = $("pen").value * pad.width;
    context.lineCap = context.lineJoin = "round";
    context.beginPath();
    context.moveTo(...(last ?? next));
    context.lineTo(...next);
    context.stroke();
    last = next;
    read();
  };
  pad.addEventListener("pointerdown", event => { pad.setPointerCapture(event.pointerId); last = null; stroke(event); });
  pad.addEventListener("pointermove", event => { if (event.buttons) stroke(event); });
  $("clear").addEventListener("click", () => { if (field) put(before); else { clear(); read(); } });
  if (field) {
    Object.assign($("level"), { min: low, max: high, value: high });
    const told = () => { $("level-shown").textContent = significant(Number($("level").value), 4); };
    $("level").addEventListener("input", told);
    told();
    pad.classList.add("map");
  }
  $("file").addEventListener("change", () => { if ($("file").files[0]) file($("file").files[0]); });
  addEventListener("paste", event => { if (event.clipboardData.files[0]) file(event.clipboardData.files[0]); });
  dropped(file);
  clear();
  return put;
}

const median = values => Float64Array.from(values).sort()[values.length >> 1];

/** Calls `take` with a file that is dropped anywhere on the page. */
function dropped(take) {
  const target = document.body;
  addEventListener("dragover", event => { event.preventDefault(); target.classList.add("dropping"); });
  addEventListener("dragleave", () => target.classList.remove("dropping"));
  addEventListener("drop", event => {
    event.preventDefault();
    target.classList.remove("dropping");
    if (event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
  });
}

/** A field for each column of a table. */
function makeFields() {
  const fields = model.input.columns.map(({ name, categories }) => {
    const field = categories
      ? element("select", {}, element("option", { value: "", textContent: "missing" }), ...categories.map((word, i) => element("option", { value: i, textContent: word })))
      : element("input", { type: "number", step: "any" });
    field.style.width = "100%";
    field.addEventListener("input", () => give(read()));
    $("fields").append(element("label", {}, name, field));
    return { field, categories };
  });
  const read = () => Float64Array.from(fields.flatMap(({ field, categories }) => {
    const value = field.value === "" ? NaN : Number(field.value);
    return categories ? categories.map((_, i) => Number.isNaN(value) ? NaN : Number(i === value)) : [value];
  }));
  return values => {
    let feature = 0;
    for (const { field, categories } of fields) {
      const cells = Array.from(values.slice(feature, feature += categories ? categories.length : 1));
      if (cells.some(Number.isNaN)) field.value = "";
      else field.value = categories ? cells.indexOf(Math.max(...cells)) : Number(cells[0].toPrecision(7));
    }
    give(values);
  };
}

/** A text of values. */
function makeValues() {
  const field = $("values");
  const read = () => {
    const words = field.value.split(/[\s,;]+/).filter(word => word);
    if (words.length !== network.features) {
      $("verdict").textContent = "";
      $("verdict-note").textContent = `A sample has ${grouped(network.features)} values; ${grouped(words.length)} are given.`;
      return;
    }
    give(Float64Array.from(words, Number));
  };
  field.addEventListener("input", read);
  dropped(async file => { field.value = await file.text(); read(); });
  return values => {
    field.value = Array.from(values, value => Number.isNaN(value) ? "NaN" : Number(value.toPrecision(6))).join(", ");
    give(values);
  };
}

/* Everything together. */

let plane = null;
for (const place of document.querySelectorAll(".bar")) showBar(place, model.output);
if (decodes) {
  makeSliders();
  if (points) {
    plane = new Plane();
    $("walk-place").addEventListener("input", () => { if (walk.from) take(between(Number($("walk-place").value)), "The walk"); });
  }
}
const put = { image: makePad, table: makeFields, series: makeValues }[model.input.kind]();
if (points) {
  const field = $("sample");
  field.max = points.samples;
  const load = () => {
    const number = Math.min(points.samples, Math.max(1, Math.round(Number(field.value)) || 1));
    put(sampleOf((number - 1) * points.sample_step));
  };
  field.addEventListener("change", load);
  $("another").addEventListener("click", () => { field.value = 1 + Math.floor(Math.random() * points.samples); load(); });
  load();
} else {
  const { offset } = network.scaler;
  put(Float64Array.from({ length: network.features }, (_, i) => model.input.kind === "image" ? model.input.low : at(offset, i)));
}
if (plane && points.points > 1) {
  // A walk to begin with: from the first point to the one farthest from it.
  const away = point => codeOf(point).reduce((sum, value, i) => sum + (value - codeOf(0)[i]) ** 2, 0);
  let far = 1;
  for (let point = 2; point < Math.min(points.points, 2000); point++) if (away(point) > away(far)) far = point;
  walkTo(codeOf(0), nameOf(0));
  walkTo(codeOf(far), nameOf(far));
}
if (decodes) {
  $("take").addEventListener("click", () => { take(given.code, "The given sample"); walkTo(given.code, "the given sample"); });
  take(code, "The mean code");
}
matchMedia("(prefers-color-scheme:dark)").addEventListener("change", () => { if (plane) plane.draw(); });
/** For scripts and the console. */
window.enkoder = { network, model, points, codeOf, sampleOf, take, give: put, get code() { return code; }, get given() { return given; }, get plane() { return plane; } };

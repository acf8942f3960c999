"use strict";
/* What the page shows of a network: the plane of its codes, sliders, walks, and samples that the reader gives. `network.js` computes. */
(() => {
const $ = id => document.getElementById(id);
const parsed = id => JSON.parse($(id).textContent);
const bytes = id => $(id) ? bytesOf($(id).textContent) : new Uint8Array();
const floats = id => new Float32Array(bytes(id).buffer);

const model = parsed("model");
const points = parsed("points");
const usual = parsed("errors");
const network = new Network(model, model.weights === "f16" ? fromHalves(bytes("weights")) : floats("weights"));
const { latent, latents, decodes } = network;

/** A point is odd where so few of the held-out samples have its error or a larger one. */
const ODD = 0.01;
/** Sliders of a longer code are those of the numbers that vary most. */
const MOST_SLIDERS = 64;
/** Points drawn while the plane moves. */
const MOST_MOVING = 10000;
const NO_CLASS = 65535;
const STEPS = 9;

const significant = (value, digits = 3) => Number.isFinite(value) ? String(Number(value.toPrecision(digits))).replace("-", "−") : "missing";
const grouped = count => count.toLocaleString("en");
const colour = name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const element = (name, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};

let telling;
/** Says something to screen readers, once the reader has stopped moving things. */
function say(text) {
  clearTimeout(telling);
  telling = setTimeout(() => { $("status").textContent = text; }, 400);
}

/* Samples as they are seen. */

/** Shows a sample in an element: a picture, the cells of a table, or lines; `beside` is another sample to compare with. */
function show(place, sample, units, words, beside) {
  if (units.kind === "image") return showPicture(place, sample, units, words);
  if (units.kind === "table") return showCells(place, sample, units, words, beside);
  showLines(place, sample, units, words, beside);
}

function showPicture(place, sample, units, words) {
  const { height, width, channels, low, high, field } = units;
  let canvas = place.querySelector("canvas");
  if (!canvas) {
    canvas = element("canvas", { className: `picture${field ? " map" : ""}`, width, height });
    canvas.setAttribute("role", "img");
    place.replaceChildren(canvas);
  }
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  let sum = 0;
  for (let pixel = 0; pixel < width * height; pixel++) {
    const at = 4 * (field?.south_first ? (height - 1 - Math.floor(pixel / width)) * width + pixel % width : pixel);
    const level = c => Math.min(1, Math.max(0, (sample[pixel * channels + c] - low) / (high - low)));
    const colour = field ? mixed(field, level(0)) : [0, 1, 2].map(c => Math.round(255 * level(channels === 1 ? 0 : c)));
    for (let c = 0; c < 3; c++) {
      image.data[at + c] = colour[c];
      sum += colour[c];
    }
    image.data[at + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  const text = field
    ? `${field.legend} from ${significant(least(sample))} to ${significant(-least(Array.from(sample, value => -value)))}`
    : `${Math.round(sum / (width * height * 7.65))} % bright on average`;
  canvas.setAttribute("aria-label", `${words}: ${height} by ${width} pixels, ${text}`);
}

/** The smallest of some numbers that are not missing. */
const least = values => values.reduce((low, value) => value < low ? value : low, Infinity);

/** The colour of a level from 0 to 1. */
function mixed({ colours, missing }, level) {
  if (Number.isNaN(level)) return missing;
  const place = level * (colours.length - 1);
  const [from, to] = [colours[Math.floor(place)], colours[Math.ceil(place)]];
  return from.map((value, c) => Math.round(value + (place - Math.floor(place)) * (to[c] - value)));
}

/** Which colour stands for which value. */
function showBar(place, { low, high, field }) {
  const bar = element("i");
  bar.style.background = `linear-gradient(to right,${field.colours.map(colour => `rgb(${colour})`).join()})`;
  place.replaceChildren(bar, element("span", {}, ...[low, field.legend, high].map(text => element("b", { textContent: typeof text === "number" ? significant(text, 4) : text }))));
}

/** The cells of a row: numbers, and of categories the likeliest. */
function cellsOf(sample, columns) {
  let feature = 0;
  return columns.map(({ name, categories }) => {
    const values = sample.slice(feature, feature += categories ? categories.length : 1);
    if (!categories) return { name, text: significant(values[0], 4), from: feature - 1, to: feature };
    const best = values.reduce((most, value, i) => value > values[most] ? i : most, 0);
    const text = values.some(Number.isNaN) ? "missing" : categories[best];
    return { name, text, from: feature - categories.length, to: feature };
  });
}

function showCells(place, sample, { columns }, words, beside) {
  const cells = cellsOf(Array.from(sample), columns);
  const given = beside && cellsOf(Array.from(beside.sample), columns);
  const total = beside ? beside.errors.reduce((sum, error) => sum + error, 0) : 0;
  const head = element("tr", {}, ...["column", ...(given ? ["given"] : []), "decoded", ...(given ? ["of error"] : [])].map(text => element("th", { textContent: text, className: text === "of error" ? "number" : "" })));
  const rows = cells.map((cell, i) => {
    const row = element("tr", {}, element("th", { textContent: cell.name }));
    if (given) row.append(element("td", { textContent: given[i].text }));
    row.append(element("td", { textContent: cell.text }));
    if (given) {
      const share = beside.errors.slice(cell.from, cell.to).reduce((sum, error) => sum + error, 0) / total;
      row.append(element("td", { className: "number", textContent: total > 0 ? `${Math.round(100 * share)} %` : "" }));
    }
    return row;
  });
  const table = element("table", {}, element("caption", { textContent: words }), element("thead", {}, head), element("tbody", {}, ...rows));
  place.replaceChildren(element("div", { className: "scroll-y" }, table));
}

/** Lines of values over their steps, one for each channel; `beside.sample` is drawn grey behind them. */
function showLines(place, sample, { channels }, words, beside) {
  const all = [...(beside ? beside.sample : []), ...sample].filter(Number.isFinite);
  const [low, high] = all.length ? [all.reduce((a, b) => Math.min(a, b)), all.reduce((a, b) => Math.max(a, b))] : [0, 1];
  const steps = sample.length / channels;
  const x = step => 46 + 350 * step / Math.max(1, steps - 1);
  const y = value => 130 - 120 * (high > low ? (value - low) / (high - low) : 0.5);
  const line = (values, channel) => {
    let path = "";
    let up = true;
    for (let step = 0; step < steps; step++) {
      const value = values[step * channels + channel];
      if (Number.isFinite(value)) path += `${up ? "M" : "L"}${x(step).toFixed(1)} ${y(value).toFixed(1)}`;
      up = !Number.isFinite(value);
    }
    return path;
  };
  const paths = [];
  for (let channel = 0; channel < channels; channel++) {
    if (beside) paths.push(`<path d="${line(beside.sample, channel)}" fill="none" stroke="var(--training)" stroke-width="2.5"/>`);
    paths.push(`<path d="${line(sample, channel)}" fill="none" stroke="var(${channels > 1 ? `--class-${channel % 10}` : "--network"})" stroke-width="1.3"/>`);
  }
  const label = (value, at) => `<text x="42" y="${at}" text-anchor="end" font-size="11" fill="var(--muted)">${significant(value)}</text>`;
  const step = (text, at, anchor) => `<text x="${at}" y="150" text-anchor="${anchor}" font-size="11" fill="var(--muted)">${text}</text>`;
  const axis = `<path d="M46 134h350" stroke="var(--muted)"/>${step(channels > 1 ? "step 1" : "value 1", 46, "start")}${step(grouped(steps), 396, "end")}`;
  place.innerHTML = `<svg viewBox="0 0 400 156" role="img" width="100%">${label(high, 14)}${label(low, 133)}${axis}${paths.join("")}</svg>`;
  place.firstChild.setAttribute("aria-label", `${words}: ${grouped(sample.length)} values from ${significant(low)} to ${significant(high)}`);
}

/* The code that the sliders hold. */

let code = Float64Array.from(latents, ({ mean }) => mean);
let sliders = [];
let waiting = false;

/** Takes a code, shows it everywhere, and decodes it with the next frame. */
function take(next, from = "The code") {
  code = Float64Array.from(next);
  for (const { number, input, output } of sliders) {
    if (Number(input.value) !== code[number]) input.value = code[number];
    output.textContent = significant(code[number]);
  }
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; decodeNow(from); });
}

function decodeNow(from) {
  const output = network.decode(code);
  show($("decoded"), output, model.output, "The code decoded");
  const text = latent <= 12 ? Array.from(code, value => significant(value)).join(", ") : `${latent} numbers`;
  $("decoded-caption").textContent = `${from}, decoded: ${text}`;
  say(`${from}: ${text}. ${$("decoded").firstChild.getAttribute?.("aria-label") ?? ""}`);
  if (plane) plane.drawMarks();
}

function makeSliders() {
  const spread = latents.map(({ low, high }, number) => [high - low, number]).sort((a, b) => b[0] - a[0]);
  const shown = spread.slice(0, MOST_SLIDERS).map(([, number]) => number).sort((a, b) => a - b);
  if (shown.length < latent) $("sliders-note").textContent = `Sliders of the ${shown.length} numbers that vary most, of ${grouped(latent)}.`;
  sliders = shown.map(number => {
    const { low, high } = latents[number];
    const input = element("input", { type: "range", min: low, max: high, step: "any", value: code[number] });
    const output = element("output", {});
    input.addEventListener("input", () => {
      const next = Float64Array.from(code);
      next[number] = Number(input.value);
      take(next);
    });
    $("sliders").append(element("label", {}, `code ${number + 1}`, input, output));
    return { number, input, output };
  });
  $("mean").addEventListener("click", () => take(latents.map(({ mean }) => mean), "The mean code"));
  $("random").hidden = !points;
  $("random").addEventListener("click", () => choose(Math.floor(Math.random() * points.points)));
}

/* The data. */

const codes = floats("point-codes");
const classes = points ? new Uint16Array(bytes("point-classes").buffer) : [];
const pointErrors = floats("point-errors");
const stored = points && (points.bytes_per_value === 1 ? bytes("point-samples") : floats("point-samples"));
const codeOf = point => codes.subarray(point * latent, (point + 1) * latent);

/** The sample of a point, where it is on the page. */
function sampleOf(point) {
  if (point % points.sample_step) return null;
  const at = point / points.sample_step;
  return Float64Array.from(stored.subarray(at * network.features, (at + 1) * network.features));
}

function nameOf(point) {
  const known = points.classes[classes[point]];
  return `sample ${grouped(point * points.step + 1)}${known ? `, ${known.name}` : ""}`;
}

/** Takes the code of a point, as if it had been clicked. */
function choose(point) {
  take(codeOf(point), nameOf(point));
  walkTo(codeOf(point), nameOf(point));
  hover(point);
}

function hover(point) {
  const [sample, error] = [sampleOf(point), pointErrors[point]];
  if (sample) show($("hover-original"), sample, model.input, "The sample");
  else $("hover-original").replaceChildren();
  $("hover-caption").textContent = nameOf(point) + (sample ? "" : " (its values are not on this page)");
  show($("hover-copy"), network.decode(codeOf(point)), model.output, "Its reconstruction");
  $("hover-error").textContent = Number.isFinite(error) ? `reconstruction, error ${significant(error)}` : "reconstruction";
}

/* The plane. */

class Plane {
  constructor() {
    this.canvas = $("plane");
    this.back = document.createElement("canvas");
    this.x = new Float32Array(points.points);
    this.y = new Float32Array(points.points);
    const numbers = Array.from({ length: Math.min(latent, 200) }, (_, number) => [`code ${number + 1}`, number]);
    const choices = points.components ? [["component 1", "c0"], ["component 2", "c1"], ...numbers] : latent === 1 ? [...numbers, ["nothing", "none"]] : numbers;
    for (const id of ["across", "up"]) {
      $(id).append(...choices.map(([text, value]) => element("option", { value, textContent: text })));
      $(id).addEventListener("change", () => this.project());
    }
    $("up").selectedIndex = Math.min(1, choices.length - 1);
    this.byClass();
    this.listen();
    this.project();
    new ResizeObserver(() => this.resize()).observe(this.canvas);
  }

  /** Points by colour, so that a colour is set once. */
  byClass() {
    const groups = new Map();
    for (let point = 0; point < points.points; point++) {
      const known = points.classes[classes[point]];
      const key = !points.classes.length ? "network" : known && known.colour !== null ? `class-${known.colour}` : "class-other";
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(point);
    }
    this.groups = [...groups].map(([name, members]) => ({ name, members: Uint32Array.from(members) }));
    const item = (name, text) => {
      const dot = element("i");
      dot.style.background = `var(--${name})`;
      return element("li", {}, dot, text);
    };
    const own = points.classes.filter(known => known.colour !== null);
    $("legend").append(...own.map(known => item(`class-${known.colour}`, known.name)));
    const others = points.classes.length - own.length;
    if (others) $("legend").append(item("class-other", `${others} other classes`));
  }

  /** Where a code lies along an axis. */
  along(axis, values) {
    if (axis === "none") return 0;
    if (axis[0] !== "c") return values[Number(axis)];
    const [column, { weight, bias }] = [Number(axis[1]), points.components];
    let sum = bias[column];
    for (let i = 0; i < latent; i++) sum += values[i] * weight[2 * i + column];
    return sum;
  }

  /** A code moved so that it lies elsewhere along an axis. */
  moved(axis, values, by) {
    if (axis === "none") return values;
    const next = Float64Array.from(values);
    if (axis[0] !== "c") next[Number(axis)] += by;
    else for (let i = 0; i < latent; i++) next[i] += by * points.components.weight_back[Number(axis[1]) * latent + i];
    return next;
  }

  project() {
    this.axes = [$("across").value, $("up").value];
    for (let point = 0; point < points.points; point++) {
      const values = codeOf(point);
      this.x[point] = this.along(this.axes[0], values);
      // What has no height is spread evenly, by multiples of the golden ratio.
      this.y[point] = this.axes[1] === "none" ? (point * 0.618033988749895) % 1 - 0.5 : this.along(this.axes[1], values);
    }
    const middle = (members, values) => median(members.map(point => values[point]));
    const named = points.classes.map(known => ({ ...known, members: [] }));
    for (let point = 0; point < points.points; point++) named[classes[point]]?.members.push(point);
    const own = named.filter(({ colour, members }) => colour !== null && members.length);
    this.names = own.map(({ name, members }) => ({ name, x: middle(members, this.x), y: middle(members, this.y) }));
    this.showAll();
  }

  showAll() {
    const ends = numbers => {
      const known = numbers.filter(Number.isFinite).sort();
      return known.length ? [known[0], known[known.length - 1]] : [0, 1];
    };
    const [[left, right], [bottom, top]] = [ends(this.x), ends(this.y)];
    this.home = { x: (left + right) / 2, y: (bottom + top) / 2, width: (right - left || 1) * 1.1, height: (top - bottom || 1) * 1.1 };
    this.view = { ...this.home };
    this.draw();
  }

  resize() {
    const side = Math.max(1, Math.round(this.canvas.clientWidth * devicePixelRatio));
    if (side === this.canvas.width && side === this.canvas.height) return;
    for (const canvas of [this.canvas, this.back]) canvas.width = canvas.height = side;
    this.draw();
  }

  px(x) { return ((x - this.view.x) / this.view.width + 0.5) * this.back.width; }
  py(y) { return (0.5 - (y - this.view.y) / this.view.height) * this.back.height; }

  /** Draws the points: some while the plane moves, all when it has stopped. */
  draw(moving = false) {
    const context = this.back.getContext("2d");
    context.fillStyle = colour("background");
    context.fillRect(0, 0, this.back.width, this.back.height);
    const skip = moving ? Math.ceil(points.points / MOST_MOVING) : 1;
    const size = Math.max(1.5, (points.points > 5000 ? 2 : 4) * devicePixelRatio);
    const { x, y } = this;
    const [scaleX, scaleY] = [this.back.width / this.view.width, -this.back.height / this.view.height];
    const [zeroX, zeroY] = [this.px(0) - size / 2, this.py(0) - size / 2];
    for (const { name, members } of this.groups) {
      context.fillStyle = colour(name);
      for (let i = 0; i < members.length; i += skip) {
        const point = members[i];
        context.fillRect(x[point] * scaleX + zeroX, y[point] * scaleY + zeroY, size, size);
      }
    }
    this.drawNames(context);
    this.drawMarks();
    clearTimeout(this.resting);
    if (moving && skip > 1) this.resting = setTimeout(() => this.draw(), 150);
  }

  /** The names of classes at the medians of their points, so that no reader depends on colours alone. */
  drawNames(context) {
    if (points.classes.length < 2) return;
    context.font = `600 ${14 * devicePixelRatio}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.lineJoin = "round";
    [context.lineWidth, context.strokeStyle, context.fillStyle] = [4 * devicePixelRatio, colour("background"), colour("text")];
    for (const { name, x, y } of this.names) {
      context.strokeText(name, this.px(x), this.py(y));
      context.fillText(name, this.px(x), this.py(y));
    }
  }

  /** The points with what lies over them: the code, the walk, and the sample under the pointer. */
  drawMarks() {
    const context = this.canvas.getContext("2d");
    context.drawImage(this.back, 0, 0);
    const unit = devicePixelRatio;
    const place = values => [this.px(this.along(this.axes[0], values)), this.py(this.axes[1] === "none" ? 0 : this.along(this.axes[1], values))];
    context.lineWidth = 2 * unit;
    context.strokeStyle = context.fillStyle = colour("text");
    if (walk.from && walk.to) {
      context.beginPath();
      context.moveTo(...place(walk.from.code));
      context.lineTo(...place(walk.to.code));
      context.stroke();
    }
    const ring = ([x, y], radius) => {
      context.beginPath();
      context.arc(x, y, radius * unit, 0, 2 * Math.PI);
      context.stroke();
    };
    if (this.under !== undefined) ring([this.px(this.x[this.under]), this.py(this.y[this.under])], 6);
    ring(place(code), 8);
    ring(place(code), 2);
  }

  /** The nearest point within a few pixels. */
  near(event) {
    const box = this.canvas.getBoundingClientRect();
    const ratio = this.back.width / box.width;
    const [x, y] = [(event.clientX - box.left) * ratio, (event.clientY - box.top) * ratio];
    let [best, least] = [undefined, (14 * devicePixelRatio) ** 2];
    const [scaleX, scaleY] = [this.back.width / this.view.width, -this.back.height / this.view.height];
    const [offX, offY] = [this.px(0) - x, this.py(0) - y];
    for (let point = 0; point < points.points; point++) {
      const away = (this.x[point] * scaleX + offX) ** 2 + (this.y[point] * scaleY + offY) ** 2;
      if (away < least) [best, least] = [point, away];
    }
    return { point: best, exact: least < (7 * devicePixelRatio) ** 2, x: this.view.x + (x / this.back.width - 0.5) * this.view.width, y: this.view.y + (0.5 - y / this.back.height) * this.view.height };
  }

  zoom(factor, about = this.view) {
    const { view } = this;
    this.view = {
      x: about.x + (view.x - about.x) * factor, y: about.y + (view.y - about.y) * factor,
      width: view.width * factor, height: view.height * factor,
    };
    this.draw(true);
  }

  /** Moves the code along both axes. */
  move(right, up) {
    take(this.moved(this.axes[1], this.moved(this.axes[0], code, right), up));
  }

  listen() {
    const { canvas } = this;
    let dragged = null;
    canvas.addEventListener("pointerdown", event => { dragged = { x: event.clientX, y: event.clientY, far: false }; canvas.setPointerCapture(event.pointerId); });
    canvas.addEventListener("pointermove", event => {
      if (dragged) {
        const [right, down] = [event.clientX - dragged.x, event.clientY - dragged.y];
        if (!dragged.far && Math.hypot(right, down) < 4) return;
        this.view.x -= right / canvas.clientWidth * this.view.width;
        this.view.y += down / canvas.clientHeight * this.view.height;
        dragged = { x: event.clientX, y: event.clientY, far: true };
        this.draw(true);
        return;
      }
      const { point } = this.near(event);
      if (point === this.under) return;
      this.under = point;
      if (point !== undefined) hover(point);
      this.drawMarks();
    });
    canvas.addEventListener("pointerup", event => {
      const clicked = dragged && !dragged.far;
      dragged = null;
      if (!clicked) return;
      const { point, exact, x, y } = this.near(event);
      if (exact) return choose(point);
      this.move(x - this.along(this.axes[0], code), this.axes[1] === "none" ? 0 : y - this.along(this.axes[1], code));
      walkTo(code, "a place of the plane");
    });
    canvas.addEventListener("pointercancel", () => { dragged = null; });
    canvas.addEventListener("wheel", event => {
      event.preventDefault();
      this.zoom(2 ** (Math.sign(event.deltaY) / 4), this.near(event));
    }, { passive: false });
    const keys = {
      ArrowLeft: () => this.move(-this.view.width / 40, 0), ArrowRight: () => this.move(this.view.width / 40, 0),
      ArrowUp: () => this.move(0, this.view.height / 40), ArrowDown: () => this.move(0, -this.view.height / 40),
      "+": () => this.zoom(0.8), "=": () => this.zoom(0.8), "-": () => this.zoom(1.25),
      Home: () => this.showAll(), Enter: () => walkTo(code, "a place of the plane"),
    };
    canvas.addEventListener("keydown", event => {
      if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      keys[event.key]();
    });
    $("closer").addEventListener("click", () => this.zoom(0.8));
    $("farther").addEventListener("click", () => this.zoom(1.25));
    $("all").addEventListener("click", () => this.showAll());
  }
}

/* A walk from the place that was clicked before to the one clicked last. */

const walk = { from: null, to: null };

function walkTo(end, words) {
  if (!points) return;
  walk.from = walk.to;
  walk.to = { code: Float64Array.from(end), words };
  if (!walk.from) {
    $("walk-note").textContent = `The walk begins at ${words}. Click another place.`;
    return;
  }
  $("walk-note").textContent = `From ${walk.from.words} to ${words}.`;
  $("walk-place").value = 1;
  const steps = Array.from({ length: STEPS }, (_, step) => {
    const share = step / (STEPS - 1);
    const button = element("button", { type: "button" });
    show(button, network.decode(between(share)), model.output, `${Math.round(100 * share)} % of the walk`);
    button.addEventListener("click", () => { $("walk-place").value = share; take(between(share), "The walk"); });
    return button;
  });
  $("strip").replaceChildren(...steps);
  say(`A walk from ${walk.from.words} to ${words}`);
}

const between = share => walk.from.code.map((value, i) => value + share * (walk.to.code[i] - value));

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
})();

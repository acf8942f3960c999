/* What the page holds, and samples as they are seen. `network.js` computes; `codes.js` and `own.js` show. All lie in one function. */
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

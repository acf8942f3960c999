/* Codes: the sliders that hold one, the plane of those of the data, and walks from one to another. */

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
    context.font = `700 ${16 * devicePixelRatio}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.lineJoin = "round";
    [context.lineWidth, context.strokeStyle, context.fillStyle] = [5 * devicePixelRatio, colour("background"), colour("text")];
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
  const shares = Array.from({ length: STEPS }, (_, step) => step / (STEPS - 1));
  $("strip").replaceChildren(...(model.output.kind === "table" ? [tableOfWalk(shares)] : shares.map(pictureOfWalk)));
  say(`A walk from ${walk.from.words} to ${words}`);
}

const wordsOf = share => `${Math.round(100 * share)} %`;

/** A button that takes a place of the walk. */
function stepOfWalk(share, properties) {
  const button = element("button", { type: "button", ...properties });
  button.addEventListener("click", () => { $("walk-place").value = share; take(between(share), "The walk"); });
  return button;
}

function pictureOfWalk(share) {
  const button = stepOfWalk(share);
  show(button, network.decode(between(share)), model.output, `${wordsOf(share)} of the walk`);
  return button;
}

/** A row for each column of a table, and a column for each place of the walk. */
function tableOfWalk(shares) {
  const steps = shares.map(share => cellsOf(Array.from(network.decode(between(share))), model.output.columns));
  const places = shares.map(share => element("th", { className: "number", scope: "col" }, stepOfWalk(share, { textContent: wordsOf(share), title: "Take this place of the walk" })));
  const head = element("thead", {}, element("tr", {}, element("th", { textContent: "column" }), ...places));
  const rows = steps[0].map(({ name }, row) => element("tr", {}, element("th", { textContent: name, scope: "row" }), ...steps.map(cells => element("td", { className: "number", textContent: cells[row].text }))));
  return element("table", {}, head, element("tbody", {}, ...rows));
}

const between = share => walk.from.code.map((value, i) => value + share * (walk.to.code[i] - value));

// A stretch of the drawing that is selected becomes the whole; without this script the drawing stands as it is.
(() => {
  "use strict";
  const ACROSS = 10000, DAY = 86400, MONTH = 365.2425 * DAY / 12, MARKS = 9, APART = 20, LEAST = 1e-4;
  const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, DAY, 2 * DAY, 7 * DAY, 14 * DAY];
  const MONTHS = [1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200];
  const round = (least, unit) => {
    const power = 10 ** Math.floor(Math.log10(least / unit));
    return [1, 2, 5, 10].map(times => times * power * unit).find(step => step >= least);
  };
  const element = (name, attributes, text) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const courses = [...document.querySelectorAll("svg.course")].map(svg => {
    const number = key => Number(svg.dataset[key]);
    const [from, to, left, width, top, bottom, unit] = ["from", "to", "left", "width", "top", "bottom", "unit"].map(number);
    const dates = svg.dataset.kind === "time" && from >= 315532800 && to < 1e11;
    const ticks = svg.querySelector("g.ticks"), names = [...svg.querySelectorAll("a.name")];
    let shown = [0, 1];
    const label = (place, step, months) => {
      if (!dates) return String(Number((place / unit).toFixed(6)));
      const text = new Date(1000 * place).toISOString();
      if (months) return text.slice(0, months % 12 ? 7 : 4);
      if (step >= DAY || place % DAY === 0) return text.slice(0, 10);
      return step < 60 ? text.slice(11, 19) : text.slice(11, 16);
    };
    const draw = () => {
      const [a, b] = shown;
      for (const part of svg.querySelectorAll("svg.along")) part.setAttribute("viewBox", `${a * ACROSS} 0 ${(b - a) * ACROSS} 100`);
      let last = -Infinity;
      for (const name of names) {
        const at = (Number(name.dataset.at) - a) / (b - a), x = left + width * at;
        const seen = at >= 0 && at <= 1 && x - last >= APART;
        if (seen) last = x;
        name.setAttribute("visibility", seen ? "visible" : "hidden");
        name.firstElementChild.setAttribute("x", x);
      }
      const first = from + a * (to - from), end = from + b * (to - from), least = (end - first) / MARKS;
      const even = dates && STEPS.find(step => step >= least);
      const months = dates && !even && MONTHS.find(months => months * MONTH >= 0.98 * least);
      const step = months ? months * MONTH : even || round(least, unit);
      const at = mark => months ? Date.UTC(1970, mark * months) / 1000 : mark * step;
      ticks.replaceChildren();
      for (let mark = Math.ceil(first / step) - 1; at(mark) <= end; mark++) {
        if (at(mark) < first) continue;
        const x = left + width * (at(mark) - first) / (end - first);
        ticks.append(element("path", { d: `M${x} ${top}V${bottom + 4}`, stroke: "var(--grid)" }));
        const text = label(at(mark), step, months), half = 3.36 * text.length;
        ticks.append(element("text", { x: Math.max(half, Math.min(x, svg.viewBox.baseVal.width - half)), y: bottom + 18, "font-size": 12, "text-anchor": "middle", fill: "var(--muted)" }, text));
      }
      controls.forEach(control => { control.disabled = a <= 0 && b >= 1; });
    };
    const show = (a, b) => {
      const half = Math.min(0.5, Math.max(LEAST, (b - a) / 2)), middle = Math.min(1 - half, Math.max(half, (a + b) / 2));
      shown = [middle - half, middle + half];
      draw();
    };
    const bar = document.createElement("p");
    bar.className = "controls";
    const button = (text, press) => {
      const made = document.createElement("button");
      made.type = "button";
      made.textContent = text;
      made.addEventListener("click", press);
      bar.append(made);
      return made;
    };
    const move = part => { const by = part * (shown[1] - shown[0]); show(shown[0] + by, shown[1] + by); };
    const scale = times => { const by = (times - 1) * (shown[1] - shown[0]) / 2; show(shown[0] - by, shown[1] + by); };
    button("Zoom in", () => scale(0.5));
    const controls = [
      button("Zoom out", () => scale(2)),
      button("← Earlier", () => move(-0.5)),
      button("Later →", () => move(0.5)),
      button("All", () => show(0, 1)),
    ];
    bar.append(" or drag over a stretch of the chart.");
    svg.parentElement.before(bar);
    const place = event => {
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      return Math.min(1, Math.max(0, (at.x - left) / width));
    };
    let begun = null;
    const selection = element("rect", { y: top, height: bottom - top, fill: "var(--network)", "fill-opacity": 0.2, visibility: "hidden" });
    svg.append(selection);
    svg.addEventListener("pointerdown", event => {
      // A finger moves the page.
      if (event.button !== 0 || event.pointerType === "touch" || event.target.closest("a")) return;
      begun = place(event);
      svg.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    svg.addEventListener("pointermove", event => {
      if (begun === null) return;
      const now = place(event);
      selection.setAttribute("x", left + width * Math.min(begun, now));
      selection.setAttribute("width", width * Math.abs(begun - now));
      selection.setAttribute("visibility", "visible");
    });
    const end = event => {
      if (begun === null) return;
      const [low, high] = [Math.min(begun, place(event)), Math.max(begun, place(event))];
      begun = null;
      selection.setAttribute("visibility", "hidden");
      if (event.type === "pointerup" && high - low > 0.005) {
        const [a, b] = shown;
        show(a + low * (b - a), a + high * (b - a));
      }
    };
    svg.addEventListener("pointerup", end);
    svg.addEventListener("pointercancel", end);
    svg.addEventListener("dblclick", () => show(0, 1));
    draw();
    return { svg, show };
  });
  for (const link of document.querySelectorAll("a[data-course]")) {
    link.addEventListener("click", event => {
      const course = courses[Number(link.dataset.course)];
      if (!course) return;
      event.preventDefault();
      const [from, to] = [Number(link.dataset.from), Number(link.dataset.to)], room = Math.max(to - from, 0.004);
      course.show(from - room, to + room);
      course.svg.parentElement.scrollIntoView({ block: "start" });
    });
  }
})();

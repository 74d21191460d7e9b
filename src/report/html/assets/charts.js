"use strict";
// The charts that move: they replace the static drawings with the same axes (html/scale.rs), and add
// values under the pointer, zoom, and linear or logarithmic axes.

// Numbers ------------------------------------------------------------------------------------------

// Significant digits without zeros at the end and without rounding noise.
function plain(value, digits) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 0.9999e-4) return value.toExponential(digits > 4 ? 1 : digits - 1).replace(/\.?0+e/, "e");
  const decimals = Math.min(20, Math.max(0, digits - 1 - Math.floor(Math.log10(size))));
  const text = value.toFixed(decimals);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

function scaled(value, steps, unit, digits) {
  let [factor, prefix] = steps[0];
  for (const [limit, name] of steps) if (Math.abs(value) >= limit * 0.9999999) [factor, prefix] = [limit, name];
  return `${plain(value / factor, digits)}\u00a0${prefix}${unit}`;
}

const TIMES = [[1, "n"], [1e3, "µ"], [1e6, "m"], [1e9, ""]];
const RATES = [[1, ""], [1e3, "k"], [1e6, "M"], [1e9, "G"], [1e12, "T"]];

function percentile(oneIn) {
  const decimals = Math.max(0, Math.ceil(Math.log10(Math.max(1, oneIn)) - 1e-9));
  const text = (100 * (1 - 1 / oneIn)).toFixed(Math.max(1, decimals - 1));
  return `${text.replace(/\.?0+$/, "")}\u00a0%`;
}

// A value with its unit; axes get six digits at most, values under the pointer four.
function show(quantity, value, digits) {
  switch (quantity) {
    case "time": return scaled(value, TIMES, "s", digits);
    case "pps": return scaled(value, RATES, "pps", digits);
    case "bps": return scaled(value, RATES, "bit/s", digits);
    case "share": return `${plain(value * 100, digits)}\u00a0%`;
    case "percentile": return percentile(value);
    case "bytes": return `${plain(value, 6)}\u00a0B`;
    case "ratio": return `${plain(value, digits)}×`;
    default: return plain(value, digits);
  }
}

// Axes ---------------------------------------------------------------------------------------------

function logFloor(value) {
  const decade = 10 ** Math.floor(Math.log10(value));
  return [5, 2].map((step) => step * decade).find((tick) => tick <= value) ?? decade;
}

function logCeil(value) {
  const decade = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5].map((step) => step * decade).find((tick) => tick >= value * (1 - 1e-9)) ?? decade * 10;
}

// Lowest and highest value to show.
function extent(values, log, quantity) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value) || (log && value <= 0)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return log ? [1, 10] : [0, 1];
  if (log) {
    if (quantity === "percentile") return [Math.min(low, 1), Math.max(high, 10)];
    [low, high] = [logFloor(low), logCeil(high)];
    return high > low ? [low, high] : [low, low * 10];
  }
  low = Math.min(low, 0);
  return [low, high > low ? high + (high - low) * 0.04 : low + 1];
}

function ticks(low, high, log, wanted) {
  if (log && high / low >= 10) {
    const decades = Math.log10(high / low);
    const steps = decades * 3 <= wanted ? [1, 2, 5] : [1];
    const every = Math.max(1, Math.ceil(decades / wanted));
    const all = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
      if (every > 1 && ((power % every) + every) % every !== 0) continue;
      for (const step of steps) {
        const tick = step * 10 ** power;
        if (tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9)) all.push(tick);
      }
    }
    return all;
  }
  const rough = (high - low) / wanted;
  const decade = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * decade).find((n) => n >= rough * (1 - 1e-9));
  const all = [];
  for (let n = Math.ceil(low / step); n <= Math.floor(high / step + 1e-9); n += 1) all.push(n * step);
  return all;
}

class Axis {
  constructor(spec, range, length) {
    this.spec = spec;
    this.log = spec.log;
    [this.low, this.high] = range;
    this.length = length;
  }

  at(value) {
    const share = this.log
      ? Math.log(Math.max(value, this.low) / this.low) / Math.log(this.high / this.low)
      : (value - this.low) / (this.high - this.low);
    return Math.min(1, Math.max(0, share)) * this.length;
  }

  value(pixels) {
    const share = Math.min(1, Math.max(0, pixels / this.length));
    return this.log
      ? this.low * (this.high / this.low) ** share
      : this.low + (this.high - this.low) * share;
  }

  ticks(roomEach) {
    return ticks(this.low, this.high, this.log, Math.max(2, this.length / roomEach));
  }
}

// A chart ------------------------------------------------------------------------------------------

const SVG = "http://www.w3.org/2000/svg";

function element(name, attributes, parent) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (parent) parent.append(made);
  return made;
}

function button(text, parent, action) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.addEventListener("click", action);
  parent.append(made);
  return made;
}

let clips = 0;

class Chart {
  constructor(figure, spec) {
    this.spec = spec;
    this.figure = figure;
    this.plot = figure.querySelector(".plot");
    this.plot.querySelector("svg").remove();
    this.svg = element("svg", { role: "img", tabindex: 0, "aria-label":
      `${spec.title}. Arrow keys show values, + and - zoom, 0 shows all.` }, this.plot);
    this.tip = document.createElement("div");
    this.tip.className = "tip";
    this.tip.setAttribute("role", "status");
    this.tip.hidden = true;
    this.plot.append(this.tip);
    this.clip = `clip-${clips += 1}`;
    this.hidden = new Set();
    this.zoom = null;
    this.tools();
    this.legend();
    this.listen();
    new ResizeObserver(() => this.resize()).observe(this.plot);
    this.resize();
  }

  tools() {
    const tools = document.createElement("div");
    tools.className = "tools";
    this.figure.querySelector("figcaption").append(tools);
    for (const name of ["x", "y"]) {
      const axis = this.spec[name];
      const toggle = button(`log ${name}`, tools, () => {
        axis.log = !axis.log;
        toggle.setAttribute("aria-pressed", axis.log);
        this.zoom = null;
        this.draw();
      });
      toggle.setAttribute("aria-pressed", axis.log);
    }
    this.reset = button("show all", tools, () => this.zoomTo(null));
    this.reset.disabled = true;
  }

  legend() {
    this.figure.querySelectorAll(".legend .entry").forEach((entry, number) => {
      const name = entry.textContent;
      entry.textContent = "";
      const toggle = button("", entry.parentElement, () => {
        if (this.hidden.has(number)) this.hidden.delete(number);
        else this.hidden.add(number);
        toggle.setAttribute("aria-pressed", !this.hidden.has(number));
        this.draw();
      });
      toggle.className = "entry";
      toggle.setAttribute("aria-pressed", true);
      toggle.append(document.createElement("i"), name);
      entry.remove();
    });
  }

  resize() {
    const width = Math.round(this.plot.clientWidth);
    if (width < 50 || width === this.width) return;
    this.width = width;
    this.draw();
  }

  // Series that are shown, with their place in the specification.
  *shown() {
    for (const [number, series] of this.spec.series.entries()) {
      if (!this.hidden.has(number)) yield [number, series];
    }
  }

  drawn(point) {
    return Number.isFinite(point[0]) && Number.isFinite(point[1]) && (!this.spec.x.log || point[0] > 0);
  }

  axes() {
    const { x, y } = this.spec;
    const points = [...this.shown()].flatMap(([, series]) => series.points);
    const whole = extent(points.map((point) => point[0]), x.log, x.quantity);
    const xRange = this.zoom?.x ?? whole;
    const inside = points.filter((point) => point[0] >= xRange[0] && point[0] <= xRange[1]);
    const heights = (inside.length > 1 ? inside : points)
      .flatMap((point) => (point.length > 2 ? point.slice(1) : [point[1]]));
    const yRange = this.zoom?.y ?? extent(heights, y.log, y.quantity);
    const narrow = this.width < 520;
    this.box = { left: narrow ? 62 : 70, right: narrow ? 24 : 26, top: 28, bottom: 46 };
    this.height = narrow ? 270 : 330;
    this.x = new Axis(x, xRange, this.width - this.box.left - this.box.right);
    this.y = new Axis(y, yRange, this.height - this.box.top - this.box.bottom);
  }

  px(value) { return this.box.left + this.x.at(value); }

  py(value) { return this.height - this.box.bottom - this.y.at(value); }

  draw() {
    this.hide();
    this.axes();
    const { svg, box, width, height } = this;
    svg.textContent = "";
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const [right, bottom] = [width - box.right, height - box.bottom];
    for (const tick of this.y.ticks(40)) {
      const at = this.py(tick).toFixed(1);
      element("line", { class: "grid", x1: box.left, x2: right, y1: at, y2: at }, svg);
      element("text", { class: "ytick", x: box.left - 8, y: Number(at) + 4 }, svg).textContent =
        show(this.spec.y.quantity, tick, 6);
    }
    for (const tick of this.x.ticks(90)) {
      const at = this.px(tick).toFixed(1);
      element("line", { class: "grid", x1: at, x2: at, y1: box.top, y2: bottom }, svg);
      element("text", { class: "xtick", x: at, y: bottom + 17 }, svg).textContent =
        show(this.spec.x.quantity, tick, 6);
    }
    element("line", { class: "axis", x1: box.left, x2: right, y1: bottom, y2: bottom }, svg);
    const title = (spec) => `${spec.title}${spec.log ? " (log)" : ""}`;
    element("text", { class: "title", x: 0, y: 13 }, svg).textContent = title(this.spec.y);
    element("text", { class: "title end", x: right, y: height - 6 }, svg).textContent = title(this.spec.x);
    const clip = element("clipPath", { id: this.clip }, svg);
    element("rect", { x: box.left - 5, y: box.top - 5, width: this.x.length + 10, height: this.y.length + 10 }, clip);
    const area = element("g", { "clip-path": `url(#${this.clip})` }, svg);
    for (const [, series] of this.shown()) this.line(series, area);
    this.cross = element("g", { class: "cross" }, svg);
    this.band = element("rect", { class: "band", visibility: "hidden" }, svg);
    this.reset.disabled = !this.zoom;
  }

  line(series, area) {
    const group = element("g", { class: `c${series.color}${series.dashed ? " dashed" : ""}` }, area);
    const points = series.points.filter((point) => this.drawn(point));
    // What is outside is drawn to where it leaves; the clip does the rest.
    const far = (pixels, limit) => Math.min(limit + 4e4, Math.max(-4e4, pixels));
    const place = (axis, value) => {
      if (axis.log) {
        const usable = Math.max(value, axis.low * 1e-12);
        return value < axis.low && !this.zoom ? 0
          : axis.length * Math.log(usable / axis.low) / Math.log(axis.high / axis.low);
      }
      return axis.length * (value - axis.low) / (axis.high - axis.low);
    };
    const at = (point) => [
      far(this.box.left + place(this.x, point[0]), this.width).toFixed(1),
      far(this.height - this.box.bottom - place(this.y, point[1]), this.height).toFixed(1),
    ];
    if (series.mark !== "scatter") {
      let path = "";
      for (const point of points) {
        const [x, y] = at(point);
        if (path === "") path = `M${x} ${y}`;
        else path += series.mark === "steps" ? `H${x}V${y}` : `L${x} ${y}`;
      }
      element("path", { d: path }, group);
    }
    for (const point of points) {
      if (point.length > 2) {
        const x = at(point)[0];
        element("path", { class: "range", d: `M${x} ${this.py(point[2])}V${this.py(point[3])}` }, group);
      }
    }
    if (series.mark === "dots" || series.mark === "scatter" || series.points.length === 1) {
      for (const point of points) {
        const [x, y] = at(point);
        const hollow = this.y.log && point[1] < this.y.low * (1 - 1e-9);
        element("circle", { cx: x, cy: y, r: 3.5, ...(hollow ? { class: "hollow" } : {}) }, group);
      }
    }
  }

  // Values under the pointer -----------------------------------------------------------------------

  // The point of a series that is shown for an x: of steps the one that holds there, else the nearest.
  nearest(series, x) {
    let best = null;
    for (const point of series.points) {
      if (!this.drawn(point) || point[0] < this.x.low * (1 - 1e-9) || point[0] > this.x.high * (1 + 1e-9)) continue;
      if (series.mark === "steps") {
        if (point[0] <= x || best === null) best = point;
      } else {
        const distance = Math.abs(this.x.at(point[0]) - this.x.at(x));
        if (best === null || distance < Math.abs(this.x.at(best[0]) - this.x.at(x))) best = point;
      }
    }
    return best;
  }

  // Every x that has a point in view, for the arrow keys.
  stops() {
    const all = [...this.shown()].flatMap(([, series]) => series.points.filter((point) => this.drawn(point)))
      .map((point) => point[0]).filter((x) => x >= this.x.low && x <= this.x.high);
    return [...new Set(all)].sort((a, b) => a - b);
  }

  hover(x) {
    const found = [...this.shown()].map(([, series]) => [series, this.nearest(series, x)])
      .filter(([, point]) => point);
    if (found.length === 0) return this.hide();
    const distance = (point) => Math.abs(this.x.at(point[0]) - this.x.at(x));
    const nearest = found.reduce((a, b) => (distance(b[1]) < distance(a[1]) ? b : a));
    this.cursor = nearest[1][0];
    const steps = nearest[0].mark === "steps";
    // Of lines the values at one x; a series that has none near it says where its own is.
    const line = this.px(steps ? x : this.cursor);
    this.cross.textContent = "";
    element("line", { x1: line, x2: line, y1: this.box.top, y2: this.height - this.box.bottom }, this.cross);
    this.tip.textContent = "";
    const head = document.createElement("strong");
    head.textContent = show(this.spec.x.quantity, this.cursor, 4);
    if (steps) {
      const after = nearest[0].points[nearest[0].points.indexOf(nearest[1]) + 1];
      if (after) head.textContent += ` – ${show(this.spec.x.quantity, after[0], 4)}`;
    }
    this.tip.append(head);
    for (const [series, point] of found) {
      const row = document.createElement("div");
      row.className = `c${series.color}${series.dashed ? " dashed" : ""}`;
      const name = document.createElement("span");
      name.textContent = series.name;
      const value = document.createElement("b");
      const q = this.spec.y.quantity;
      value.textContent = show(q, point[1], 4);
      if (point.length > 2) value.textContent += ` (${show(q, point[2], 4)} – ${show(q, point[3], 4)})`;
      if (series.mark !== "steps" && Math.abs(this.px(point[0]) - line) > 2) {
        value.textContent += ` at ${show(this.spec.x.quantity, point[0], 4)}`;
      }
      row.append(document.createElement("i"), name, value);
      this.tip.append(row);
      if (series.mark !== "steps" && point[1] >= this.y.low * (1 - 1e-9) && point[1] <= this.y.high * (1 + 1e-9)) {
        const dot = element("g", { class: `c${series.color}` }, this.cross);
        element("circle", { cx: this.px(point[0]), cy: this.py(point[1]), r: 4.5 }, dot);
      }
    }
    this.tip.hidden = false;
    const factor = this.plot.clientWidth / this.width;
    const left = line * factor + 14;
    const fits = left + this.tip.offsetWidth <= this.plot.clientWidth;
    this.tip.style.left = `${Math.max(0, fits ? left : line * factor - this.tip.offsetWidth - 14)}px`;
    this.tip.style.top = `${this.box.top}px`;
  }

  hide() {
    if (this.cross) this.cross.textContent = "";
    this.tip.hidden = true;
  }

  // Zoom -------------------------------------------------------------------------------------------

  zoomTo(zoom) {
    this.zoom = zoom;
    this.draw();
  }

  zoomBy(factor) {
    const middle = this.cursor === undefined ? this.x.length / 2 : this.x.at(this.cursor);
    const from = middle - middle * factor;
    const range = [this.x.value(from), this.x.value(from + this.x.length * factor)];
    const whole = new Axis(this.spec.x, extent(
      [...this.shown()].flatMap(([, series]) => series.points.map((point) => point[0])),
      this.spec.x.log, this.spec.x.quantity), this.x.length);
    if (factor > 1) {
      // Outwards: the axis ends where it ended, so what is wider than it is all.
      const low = whole.at(this.x.low);
      const high = whole.at(this.x.high);
      const half = (high - low) * factor / 2;
      if (half * 2 >= whole.length) return this.zoomTo(null);
      const center = (low + high) / 2;
      range[0] = whole.value(center - half);
      range[1] = whole.value(center + half);
    }
    this.zoomTo({ x: range });
  }

  listen() {
    const { svg } = this;
    const place = (event) => {
      const bounds = svg.getBoundingClientRect();
      const factor = this.width / bounds.width;
      return [
        (event.clientX - bounds.left) * factor - this.box.left,
        this.height - this.box.bottom - (event.clientY - bounds.top) * factor,
      ];
    };
    let start = null;
    svg.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      start = place(event);
      // Without capture a drag that leaves the chart would not end.
      svg.setPointerCapture(event.pointerId);
    });
    svg.addEventListener("pointermove", (event) => {
      const now = place(event);
      if (start && Math.hypot(now[0] - start[0], now[1] - start[1]) > 6) {
        this.hide();
        this.mark(start, now);
      } else {
        this.hover(this.x.value(now[0]));
      }
    });
    svg.addEventListener("pointerup", (event) => {
      if (!start) return;
      const zoom = this.selection(start, place(event));
      start = null;
      this.band.setAttribute("visibility", "hidden");
      if (zoom) this.zoomTo(zoom);
    });
    svg.addEventListener("pointercancel", () => {
      start = null;
      this.band.setAttribute("visibility", "hidden");
    });
    svg.addEventListener("pointerleave", () => this.hide());
    svg.addEventListener("blur", () => this.hide());
    svg.addEventListener("dblclick", () => this.zoomTo(null));
    svg.addEventListener("keydown", (event) => this.key(event));
  }

  // The sides of a drag that are long enough to mean something; null where none is.
  sides(from, to) {
    const clamp = (value, length) => Math.min(length, Math.max(0, value));
    const x = [clamp(from[0], this.x.length), clamp(to[0], this.x.length)].sort((a, b) => a - b);
    const y = [clamp(from[1], this.y.length), clamp(to[1], this.y.length)].sort((a, b) => a - b);
    const wide = x[1] - x[0] > 12;
    const tall = y[1] - y[0] > 24;
    return { x: wide ? x : null, y: tall ? y : null };
  }

  mark(from, to) {
    const { x, y } = this.sides(from, to);
    if (!x && !y) return this.band.setAttribute("visibility", "hidden");
    const [left, right] = x ?? [0, this.x.length];
    const [low, high] = y ?? [0, this.y.length];
    const bottom = this.height - this.box.bottom;
    for (const [key, value] of Object.entries({
      x: this.box.left + left, width: right - left, y: bottom - high, height: high - low, visibility: "visible",
    })) this.band.setAttribute(key, value);
    return undefined;
  }

  selection(from, to) {
    const { x, y } = this.sides(from, to);
    if (!x && !y) return null;
    const zoom = { ...this.zoom };
    if (x) zoom.x = x.map((pixels) => this.x.value(pixels));
    if (y) zoom.y = y.map((pixels) => this.y.value(pixels));
    return zoom;
  }

  key(event) {
    const stops = this.stops();
    const at = stops.findIndex((stop) => stop >= (this.cursor ?? -Infinity));
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step && stops.length > 0) {
      const next = this.tip.hidden ? Math.max(0, at) : Math.min(stops.length - 1, Math.max(0, at + step));
      this.hover(stops[next]);
    } else if (event.key === "+" || event.key === "=") this.zoomBy(0.5);
    else if (event.key === "-") this.zoomBy(2);
    else if (event.key === "0" || event.key === "Escape") this.zoomTo(null);
    else return;
    event.preventDefault();
  }
}

// SPDX-License-Identifier: Apache-2.0
// What all charts share: elements, figures as text, the tip, tables, colours, keys.

const data = JSON.parse(document.getElementById("data").textContent);
const report = data.report || {};
const lanes = ["BRISC", "NCRISC", "UNPACK", "MATH", "PACK"];
const roles = {BRISC: "writer", NCRISC: "reader", UNPACK: "TRISC 0", MATH: "TRISC 1", PACK: "TRISC 2"};
const stalls = {
  cb_empty: "CB empty", cb_full: "CB full", dst: "DST", src: "Src", barrier: "NoC barrier", semaphore: "semaphore",
  dram: "DRAM queue", noc: "NoC busy", launch: "launch",
};

/** An element with properties, attributes (whose names have a dash or are listed) and children. */
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "style" || name.includes("-") || name === "role") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

// Figures as text.
const grouped = d3.format(",");
function exact(value) {
  if (typeof value !== "number") return value === null || value === undefined ? "-" : String(value);
  if (Number.isInteger(value)) return grouped(value);
  return Math.abs(value) >= 100 ? d3.format(",.1f")(value) : String(+value.toPrecision(5));
}
function short(value) {
  const size = Math.abs(value);
  if (size === 0) return "0";
  const steps = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e4, "k"]];
  for (const [step, letter] of steps) {
    if (size >= step) return +(value / (step === 1e4 ? 1e3 : step)).toPrecision(3) + letter;
  }
  if (size >= 1e-3) return String(+value.toPrecision(size >= 1000 ? 4 : 3));
  return size >= 1e-6 ? +(value * 1e6).toPrecision(3) + "µ" : value.toExponential(1);
}
const share = (part, whole = 1) => whole > 0 ? d3.format(".1f")(100 * part / whole) + " %" : "-";
function duration(seconds) {
  if (seconds >= 1) return +seconds.toPrecision(4) + " s";
  if (seconds >= 1e-3) return +(seconds * 1e3).toPrecision(4) + " ms";
  return +(seconds * 1e6).toPrecision(5) + " µs";
}
function bytes(count) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  for (; count >= 1024 && unit + 1 < units.length; ++unit) count /= 1024;
  return +count.toPrecision(4) + " " + units[unit];
}
const place = (core) => `(${core.x},${core.y})`;
const cycles = (value) => grouped(Math.round(value)) + " cycles";

// Colours follow the theme: what uses them is drawn again when it changes.
const redraws = [];
function onTheme(draw) {
  redraws.push(draw);
  draw();
}
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
function ramp(names, top) {
  const colours = names.map(css);
  return d3.scale.linear().domain(colours.map((_, i) => top * i / (colours.length - 1))).range(colours).clamp(true);
}
const heatNames = ["cold", "cool", "mild", "hot"];
const loadNames = ["calm", "easy", "tight", "full"];
function inkOn(colour) {
  const {r, g, b} = d3.rgb(colour);
  return 0.299 * r + 0.587 * g + 0.114 * b > 140 ? "#14161a" : "#ffffff";
}
function rampKey(names, from, to) {
  const key = make("div", {className: "ramp"}, make("span", {textContent: from}), make("i"), make("span", {textContent: to}));
  key.children[1].style.background = `linear-gradient(to right, ${names.map((name) => `var(--${name})`).join(", ")})`;
  return key;
}

// The tip stands beside what the pointer is on, or beside what the keys have come to.
const tip = document.getElementById("tip");
function showTip(text, x, y) {
  tip.textContent = text;
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  tip.style.left = Math.max(4, Math.min(x + 14, innerWidth - box.width - 6)) + "px";
  tip.style.top = Math.max(4, y + 16 + box.height > innerHeight ? y - box.height - 10 : y + 16) + "px";
}
function hideTip() { tip.hidden = true; }
function showTipOf(text, element) {
  const box = element.getBoundingClientRect();
  showTip(text, box.left + box.width / 2, box.top + box.height / 2);
}
for (const kind of ["wheel", "touchmove"]) addEventListener(kind, hideTip, {passive: true});
// When keys scroll the page, it moves below a pointer that rests: that is no reason to show or hide anything.
let lastKey = -1e9;
const keysAtWork = () => performance.now() - lastKey < 400;
addEventListener("keydown", (event) => {
  lastKey = performance.now();
  if (event.key === "Escape") hideTip();
}, true);
function pointTip(text, event) { if (!keysAtWork()) showTip(text, event.clientX, event.clientY); }
function leaveTip() { if (!keysAtWork()) hideTip(); }

/**
 * A chart whose marks tell their figures: `marks` are elements with a text each. The pointer shows the one that it is on;
 * with the focus on `chart` arrows go from one to the next.
 */
function tells(chart, label, marks) {
  let at = -1;
  const leave = () => marks.forEach((mark) => mark.element.classList.remove("on"));
  const go = (to) => {
    if (marks.length === 0) return;
    leave();
    at = (to + marks.length) % marks.length;
    marks[at].element.classList.add("on");
    marks[at].element.scrollIntoView({block: "nearest", behavior: "instant"});
    showTipOf(marks[at].text, marks[at].element);
  };
  const steps = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1};
  for (const {element, text} of marks) {
    element.addEventListener("pointermove", (event) => pointTip(text, event));
    element.addEventListener("pointerleave", leaveTip);
  }
  chart.tabIndex = 0;
  chart.setAttribute("role", "group");
  chart.setAttribute("aria-label", label + "; arrows go through its figures");
  chart.onkeydown = (event) => {
    if (event.key in steps) go(at + steps[event.key]);
    else if (event.key === "Home") go(0);
    else if (event.key === "End") go(marks.length - 1);
    else return;
    event.preventDefault();
  };
  chart.onblur = () => { leave(); hideTip(); at = -1; };
}

/** A table behind a summary; rows are made when it is opened. `rows` gives lists of texts and numbers. */
function table(title, heads, rows) {
  const details = make("details", {}, make("summary", {textContent: title}));
  details.addEventListener("toggle", () => {
    if (details.open && details.children.length === 1) details.append(make("div", {className: "table", tabIndex: 0}, filled(heads, rows())));
  });
  return details;
}
function filled(heads, rows) {
  const cell = (tag, value) => make(tag, {
    textContent: typeof value === "number" ? exact(value) : value === null || value === undefined ? "-" : String(value),
    className: typeof value !== "string" ? "" : value.length > 60 ? "wide" : "text",
  });
  return make("table", {}, make("thead", {}, make("tr", {}, heads.map((head) => cell("th", head)))),
              make("tbody", {}, rows.map((row) => make("tr", {}, row.map((value) => cell("td", value))))));
}

/** A section of the page with its place in the list of sections. */
function section(id, title, note, ...children) {
  const box = make("section", {id}, make("h2", {textContent: title}));
  if (note) box.append(make("p", {className: "note", textContent: note}));
  box.append(...children.flat().filter(Boolean));
  document.getElementById("page").append(box);
  return box;
}

/** Rows of name, bar and value. A row's parts are [length, colour name, text]; lengths are parts of `whole`. */
function bars(label, rows, whole) {
  const box = make("div", {className: "bars"});
  const marks = [];
  for (const row of rows) {
    const bar = make("div", {className: "bar"});
    for (const [length, colour, text] of row.parts) {
      if (!(length > 0)) continue;
      const part = make("i", {style: `width:${100 * length / whole}%;background:var(--${colour})`});
      bar.append(part);
      marks.push({element: part, text: `${row.name}\n${text}`});
    }
    box.append(make("span", {className: "name", textContent: row.name}), bar, make("span", {className: "value", textContent: row.value}));
  }
  tells(box, label, marks);
  return box;
}
function keys(entries) {
  return make("div", {className: "keys"}, entries.map(([colour, text]) => make("span", {textContent: text, style: `--key:var(--${colour})`})));
}

// SPDX-License-Identifier: Apache-2.0
// The timeline of a core, to zoom and to drag: its five RISCs, DST halves and circular buffers.

const phaseColours = ["#f28e2b", "#59a14f", "#e15759", "#b07aa1", "#76b7b2", "#d4b13f", "#ff9da7", "#9c755f", "#4e79a7", "#86bcb6", "#d37295"];
function phaseColour(name) {
  const named = data.timeline.phases.filter((one) => one !== "");
  return name === "" ? "#8a8f98" : phaseColours[named.indexOf(name) % phaseColours.length];
}
const rowHeight = {lane: 26, dst: 16, cb: 22};

function drawTimeline() {
  if (!data.timeline) return;
  const line = new Timeline();
  section("timeline", "Timeline", data.timeline.note,
          make("div", {className: "tools"}, make("label", {}, "Core", line.select), line.buttons, line.where),
          line.box, line.legend,
          table("Table of what is in view (the first of each row, 1,000 in all)", ["row", "what", "begin", "end", "cycles"], () => line.tableRows()));
  grid.listeners.push((core) => line.show(core));
  onTheme(() => line.draw());
  addEventListener("resize", () => line.draw());
}

class Timeline {
  constructor() {
    const shown = data.timeline.cores.map((one) => one.core);
    this.select = make("select", {id: "timeline-core"}, shown.map((core) => make("option", {value: core, textContent: place(report.cores[core])})));
    this.select.onchange = () => grid.choose(Number(this.select.value));
    this.canvas = make("canvas", {tabIndex: 0, "aria-label": "Timeline: left and right move, plus and minus zoom, up and down choose a row, n and p go from span to span", role: "application"});
    this.axis = d3.select(document.createElementNS("http://www.w3.org/2000/svg", "svg")).style("height", "24px");
    this.box = make("div", {}, this.axis.node(), this.canvas);
    this.where = make("span", {className: "soft"});
    this.legend = make("div");
    this.scale = d3.scale.linear().domain([0, data.timeline.cycles]);
    this.zoom = d3.behavior.zoom().scaleExtent([1, Math.max(8, data.timeline.cycles / 40)]).on("zoom", () => this.draw());
    d3.select(this.canvas).call(this.zoom);
    const button = (text, label, act) => make("button", {type: "button", textContent: text, "aria-label": label, onclick: act});
    this.buttons = [button("+", "Zoom in", () => this.zoomBy(2)), button("−", "Zoom out", () => this.zoomBy(0.5)), button("Whole run", "Show the whole run", () => this.zoomTo(0, data.timeline.cycles))];
    this.row = 0;
    this.canvas.onpointermove = (event) => this.point(event.clientX, event.clientY);
    this.canvas.onpointerleave = leaveTip;
    this.canvas.onfocus = () => this.draw();
    this.canvas.onblur = () => {
      hideTip();
      this.draw();
    };
    this.canvas.onkeydown = (event) => this.key(event);
  }

  show(core) {
    const own = rowsOf(core);
    if (!own) return;
    this.core = core;
    this.select.value = String(core);
    this.rows = own.rows;
    this.resolution = own.resolution;
    this.legend.replaceChildren(make("div", {className: "keys"}, data.timeline.phases.map((name) => make("span", {textContent: name || "outside of phases", style: `--key:${phaseColour(name)}`}))), stallKeys());
    this.draw();
  }

  get left() { return this.width < 560 ? 74 : 150; }
  get span() { return this.scale.domain(); }

  /** Sets the picture to the zoom's state: v3 of the library changes the scale that it is given. */
  draw() {
    if (!this.rows) return;
    this.width = this.box.clientWidth || 600;
    const [left, right] = [this.left, this.width - 2];
    this.limit();
    const {factor, shift} = this;
    const whole = data.timeline.cycles / (right - left);
    this.scale.range([left, right]).domain([-shift * whole / factor, (right - left - shift) * whole / factor]);
    this.axis.attr("viewBox", null).attr("width", this.width).attr("height", 24).style("width", this.width + "px");
    this.axis.selectAll("*").remove();
    this.axis.append("g").attr("class", "axis").attr("transform", "translate(0,22)").call(d3.svg.axis().scale(this.scale).orient("top").ticks(this.width < 560 ? 4 : 9).tickFormat(d3.format(",")));
    this.paint();
    const [from, to] = this.span;
    this.where.textContent = `cycles ${grouped(Math.round(Math.max(0, from)) + 0)} to ${grouped(Math.round(to))}${this.resolution > 1 ? `; spans below ${grouped(this.resolution)} cycles are merged` : ""}`;
  }

  /** The library's zoom knows no borders of its own: the run stays in the picture. */
  limit() {
    const room = this.width - 2 - this.left;
    const factor = this.zoom.scale();
    const shift = Math.max(room * (1 - factor), Math.min(0, this.zoom.translate()[0]));
    this.zoom.translate([shift, 0]);
    Object.assign(this, {factor, shift});
  }

  paint() {
    const height = this.rows.reduce((sum, row) => sum + rowHeight[row.kind], 4);
    const dense = devicePixelRatio || 1;
    this.canvas.width = Math.round(this.width * dense);
    this.canvas.height = Math.round(height * dense);
    this.canvas.style.height = height + "px";
    const pen = this.canvas.getContext("2d");
    pen.scale(dense, dense);
    pen.font = "11px system-ui, DejaVu Sans, sans-serif";
    pen.textBaseline = "middle";
    const colours = this.colours();
    let y = 2;
    this.rows.forEach((row, i) => {
      const tall = rowHeight[row.kind];
      row.y = y;
      pen.fillStyle = i === this.row && document.activeElement === this.canvas ? colours.focus : colours.soft;
      const room = this.left - 10;
      pen.fillText(fitted(pen, row.name, room), 0, y + tall / 2);
      pen.fillStyle = colours.ended;
      pen.fillRect(this.left, y + 1, this.width - 2 - this.left, tall - 3);
      pen.save();
      pen.beginPath();
      pen.rect(this.left, y, this.width - 2 - this.left, tall);
      pen.clip();
      this.paintRow(pen, row, y + 1, tall - 3, colours);
      pen.restore();
      y += tall;
    });
  }
  colours() {
    const all = {};
    for (const name of ["soft", "ended", "focus", "busy", "launch", "dst", "cb_empty", "accent", "ink", ...Object.keys(stalls)]) all[name] = css(name);
    return all;
  }

  paintRow(pen, row, y, tall, colours) {
    const [from, to] = this.span;
    let painted = -1;
    for (let i = spanAt(row.spans, from); i < row.spans.length && row.spans[i].begin < to; ++i) {
      const span = row.spans[i];
      const x = this.scale(span.begin), wide = Math.max(0.6, this.scale(span.end) - x);
      if (x + wide < painted + 0.3) continue;
      painted = x + wide;
      if (row.kind === "cb") {
        const part = Math.min(1, span.level / row.pages) * tall;
        pen.fillStyle = colours.accent;
        pen.fillRect(x, y + tall - part, wide, part);
      } else if (row.kind === "dst") {
        this.paintSection(pen, span, y, tall, colours);
      } else if (span.what.stall) {
        pen.fillStyle = colours[span.what.stall];
        pen.fillRect(x, y + tall * 0.68, wide, tall * 0.32);
      } else {
        pen.fillStyle = span.what.zone === undefined ? phaseColour(span.what.phase) : phaseColours[span.what.zone % phaseColours.length];
        pen.fillRect(x, y, wide, tall);
        if (wide > 44) {
          pen.fillStyle = "#ffffff";
          pen.fillText(fitted(pen, span.what.operation, wide - 8), Math.max(x, this.left) + 4, y + tall / 2);
        }
      }
    }
  }
  paintSection(pen, span, y, tall, colours) {
    for (const [begin, end, colour] of [[span.begin, span.committed, colours.busy], [span.committed, span.packing, colours.launch], [span.packing, span.end, colours.dst]]) {
      const x = this.scale(begin);
      pen.fillStyle = colour;
      pen.fillRect(x, y, Math.max(0.4, this.scale(end) - x - (end === span.end ? 0.5 : 0)), tall);
    }
  }

  rowAt(y) { return this.rows.find((row) => y >= row.y && y < row.y + rowHeight[row.kind]); }
  point(x, y) {
    const box = this.canvas.getBoundingClientRect();
    const row = this.rows && this.rowAt(y - box.top);
    const span = row && x - box.left >= this.left ? covering(row, this.scale.invert(x - box.left)) : null;
    if (span) pointTip(spanText(row, span), {clientX: x, clientY: y});
    else leaveTip();
  }

  zoomTo(from, to) {
    const room = this.width - 2 - this.left;
    const factor = Math.min(this.zoom.scaleExtent()[1], data.timeline.cycles / (to - from));
    this.zoom.scale(factor).translate([-from / data.timeline.cycles * room * factor, 0]);
    this.draw();
  }
  zoomBy(factor) {
    const [from, to] = this.span, middle = (from + to) / 2, half = (to - from) / 2 / factor;
    if (half * 2 >= data.timeline.cycles) this.zoomTo(0, data.timeline.cycles);
    else this.zoomTo(middle - half, middle + half);
  }
  move(part) {
    const [from, to] = this.span;
    this.zoomTo(from + part * (to - from), to + part * (to - from));
  }
  step(by) {
    const row = this.rows[this.row];
    const box = this.canvas.getBoundingClientRect();
    const [from, to] = this.span;
    const last = row.spans.length - 1;
    this.at = this.at === undefined || this.atRow !== row ? Math.min(last, spanAt(row.spans, from)) : Math.max(0, Math.min(last, this.at + by));
    this.atRow = row;
    const span = row.spans[this.at];
    if (!span) return;
    if (span.begin < from || span.begin > to) this.zoomTo(span.begin - (to - from) / 4, span.begin + 3 * (to - from) / 4);
    showTip(spanText(row, span), box.left + Math.max(this.left, this.scale(span.begin)), box.top + row.y);
  }
  key(event) {
    const acts = {
      ArrowLeft: () => this.move(-0.1), ArrowRight: () => this.move(0.1), "+": () => this.zoomBy(2), "=": () => this.zoomBy(2), "-": () => this.zoomBy(0.5),
      ArrowUp: () => { this.row = Math.max(0, this.row - 1); this.draw(); }, ArrowDown: () => { this.row = Math.min(this.rows.length - 1, this.row + 1); this.draw(); },
      Home: () => this.zoomTo(0, data.timeline.cycles), n: () => this.step(1), p: () => this.step(-1),
    };
    if (!(event.key in acts) || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    acts[event.key]();
  }

  tableRows() {
    const [from, to] = this.span, list = [];
    const most = 1000 / this.rows.length;
    for (const row of this.rows) {
      let count = 0;
      for (let i = spanAt(row.spans, from); i < row.spans.length && row.spans[i].begin < to && ++count <= most; ++i) {
        const span = row.spans[i];
        const what = row.kind === "cb" ? `${span.level} of ${row.pages} pages` : row.kind === "dst" ? "section" : spanText(row, span).split("\n")[0].slice(row.name.length + 1);
        list.push([row.name, what, span.begin, span.end, span.end - span.begin]);
      }
    }
    return list;
  }
}
function fitted(pen, text, room) {
  if (pen.measureText(text).width <= room) return text;
  let length = text.length;
  while (length > 0 && pen.measureText(text.slice(0, length) + "…").width > room) --length;
  return length > 0 ? text.slice(0, length) + "…" : "";
}

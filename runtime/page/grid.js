// SPDX-License-Identifier: Apache-2.0
// The grid as heat maps that switch between measures, and what the chosen core did.

const grid = {
  columns: 0, rows: 0,
  chosen: 0,
  listeners: [],
  choose(core) {
    this.chosen = core;
    this.listeners.forEach((listener) => listener(core));
  },
};

/** All measures: those of the program's --view, waits by RISC and cause, and circular buffers one by one. */
function measures() {
  const list = (data.measures || []).map((one) => ({...one, title: one.title[0].toUpperCase() + one.title.slice(1)}));
  const cores = report.device ? report.device.cores : [];
  const whole = report.device ? report.device.cycles : 0;
  for (const lane of lanes) {
    for (const [reason, word] of Object.entries(stalls)) {
      const values = cores.map((core) => 100 * (core.lanes[lane].stalled[reason] || 0) / whole);
      if (values.some((value) => value > 0)) {
        list.push({group: "Device time: waits by RISC", name: `${lane}-${reason}`, title: `${lane} waits, ${word}`, unit: "%", values});
      }
    }
  }
  const buffers = report.totals ? report.totals.cbs : [];
  buffers.forEach((cb, i) => {
    const values = report.cores.map((core) => core.cbs[i] ? core.cbs[i].high_water_pages : 0);
    list.push({group: "Circular buffers: most pages at once", name: `cb-${cb.id}`, title: `CB ${cb.id} ${cb.role}, most of its ${cb.pages} pages at once`, unit: "pages", values});
  });
  return list;
}
const withUnit = (value, unit) => unit === "%" ? d3.format(".2f")(value) + " %" : unit === "B" ? `${exact(value)} bytes` : unit === "s" ? duration(value) : `${exact(value)}${unit ? " " + unit : ""}`;

function drawGrid() {
  const all = measures();
  if (all.length === 0 || !report.cores) return;
  const groups = [...new Set(all.map((one) => one.group))];
  const first = all.findIndex((one) => one.name === "math-busy");
  const select = make("select", {id: "measure"}, groups.map((group) => make("optgroup", {label: group},
    all.map((one, i) => one.group === group ? make("option", {value: i, textContent: one.title}) : null).filter(Boolean))));
  const quick = [["math-busy", "MATH busy"], ["kv-stall", "K/V stall"], ["matmul-tiles", "matmul tiles"], ["noc-bytes", "NoC bytes"], ["dst-peak", "DST peak"], ["cb-high-water", "CBs"]]
    .map(([name, word]) => [all.findIndex((one) => one.name === name), word]).filter(([index]) => index >= 0);
  const buttons = quick.map(([index, word]) => make("button", {type: "button", textContent: word, value: String(index)}));
  const heat = make("div", {className: "heat", role: "grid", "aria-label": "Cores"});
  const key = make("div");
  const tableBox = make("div");
  const cells = heatCells(heat);
  let shown = null;
  const show = (index) => {
    const one = shown = all[index];
    select.value = String(index);
    buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.value === String(index))));
    const top = d3.max(one.values) || 1;
    const colour = ramp(heatNames, top);
    cells.forEach((cell, i) => {
      const value = one.values[i];
      cell.style.background = colour(value);
      cell.style.color = inkOn(colour(value));
      cell.textContent = grid.columns > 16 ? "" : short(value);
      cell.tell = `core ${place(report.cores[i])}, physical ${report.cores[i].physical.x}-${report.cores[i].physical.y}\n${one.title}: ${withUnit(value, one.unit)}`;
      cell.setAttribute("aria-label", cell.tell.replace("\n", ": "));
    });
    key.replaceChildren(rampKey(heatNames, "0", withUnit(d3.max(one.values), one.unit)));
    tableBox.replaceChildren(table("Table", ["core", "physical", one.title + (one.unit ? ` in ${one.unit}` : "")],
      () => one.values.map((value, i) => [place(report.cores[i]), `${report.cores[i].physical.x}-${report.cores[i].physical.y}`, value])));
  };
  select.onchange = () => show(Number(select.value));
  buttons.forEach((button) => { button.onclick = () => show(Number(button.value)); });
  const detail = make("div", {id: "core"});
  section("grid", "The grid", "One cell a core, x to the right, y downwards. Choose a measure; a click or Enter chooses the core that is shown beside and in the timeline.",
          make("div", {className: "tools"}, buttons, make("label", {}, "Measure", select)),
          make("div", {className: "pair"}, make("div", {}, heat, key, tableBox), detail));
  grid.listeners.push((core) => {
    cells.forEach((cell, i) => cell.setAttribute("aria-selected", String(i === core)));
    drawCore(detail, core);
  });
  onTheme(() => show(shown ? all.indexOf(shown) : Math.max(first, 0)));
}

/** Buttons in rows; arrows go from one to the next, as in a table. */
function heatCells(heat) {
  const {columns, rows} = grid;
  heat.style.gridTemplateColumns = `2.1em repeat(${columns}, minmax(0, 1fr))`;
  heat.classList.toggle("dense", columns > 16);
  heat.append(make("span"), ...d3.range(columns).map((x) => make("span", {className: "axis", textContent: columns > 16 && x % 8 ? "" : `x${x}`})));
  const cells = [];
  for (let y = 0; y < rows; ++y) {
    heat.append(make("span", {className: "axis", textContent: rows > 16 && y % 8 ? "" : `y${y}`}));
    for (let x = 0; x < columns; ++x) {
      const index = cells.length;
      const cell = make("button", {type: "button", className: "cell", tabIndex: index === 0 ? 0 : -1, role: "gridcell"});
      cell.onpointermove = (event) => pointTip(cell.tell, event);
      cell.onpointerleave = leaveTip;
      cell.onfocus = () => { if (cell.matches(":focus-visible")) showTipOf(cell.tell, cell); };
      cell.onblur = hideTip;
      cell.onclick = () => {
        cells.forEach((other) => { other.tabIndex = -1; });
        cell.tabIndex = 0;
        grid.choose(index);
      };
      cells.push(cell);
      heat.append(cell);
    }
  }
  heat.addEventListener("keydown", (event) => {
    const at = cells.indexOf(document.activeElement);
    const x = at % columns, y = Math.floor(at / columns);
    const to = {ArrowRight: [x + 1, y], ArrowLeft: [x - 1, y], ArrowDown: [x, y + 1], ArrowUp: [x, y - 1], Home: [0, y], End: [columns - 1, y]}[event.key];
    if (at < 0 || !to || to[0] < 0 || to[1] < 0 || to[0] >= columns || to[1] >= rows) return;
    event.preventDefault();
    cells[at].tabIndex = -1;
    cells[to[1] * columns + to[0]].tabIndex = 0;
    cells[to[1] * columns + to[0]].focus();
  });
  return cells;
}

function drawCore(box, index) {
  const core = report.cores[index];
  const device = report.device;
  const slowest = device && device.slowest_core[0] === core.x && device.slowest_core[1] === core.y;
  box.replaceChildren(make("h3", {textContent: `Core ${place(core)}${slowest ? ", the slowest" : ""}`}));
  if (device) {
    const own = device.cores[index];
    box.append(laneBars("Where the time of this core goes", own.lanes, device.cycles),
               make("h3", {textContent: "Mean of all cores"}), laneBars("Where the time of the mean core goes", device.lanes, device.cycles), stallKeys(),
               table("Table of this core and the mean", ["RISC", "what", "cycles", "share", "mean core", "share"], () => laneRows(own.lanes, device)));
  }
  if (!core.tiles) return;  // a log has no counts
  const tiles = Object.entries(core.tiles).filter((one) => one[1] > 0);
  box.append(table("Counts of this core", ["what", "count"], () => [
    ...tiles.map(([name, count]) => [`${name} tiles`, count]), ["DST sections", core.dst.sections],
    ["DST peak slots", core.dst.peak_slots], ["DST capacity", core.dst.capacity], ["L1 bytes used", core.l1_used_bytes],
    ...core.noc.flatMap((one) => [[`NoC ${one.noc} ${one.kind}: transactions`, one.transactions], [`NoC ${one.noc} ${one.kind}: bytes`, one.bytes], [`NoC ${one.noc} ${one.kind}: hops`, one.hops]]),
    ["work", JSON.stringify(core.work)]]));
  box.append(table("Circular buffers of this core", ["id", "role", "format", "pages", "page bytes", "most at once", "pushed"],
                   () => core.cbs.map((cb) => [cb.id, cb.role, cb.format, cb.pages, cb.page_bytes, cb.high_water_pages, cb.pushed_pages])));
}
function laneRows(own, device) {
  const rows = [];
  for (const lane of lanes) {
    const add = (what, a, b) => rows.push([lane, what, a, share(a, device.cycles), b, share(b, device.cycles)]);
    add("busy", own[lane].busy, device.lanes[lane].busy);
    for (const reason of Object.keys(stalls)) {
      const a = own[lane].stalled[reason] || 0, b = device.lanes[lane].stalled[reason] || 0;
      if (a > 0 || b > 0) add(`waits, ${stalls[reason]}`, a, b);
    }
    add("ended", device.cycles - own[lane].end, device.cycles - device.lanes[lane].end);
  }
  return rows;
}

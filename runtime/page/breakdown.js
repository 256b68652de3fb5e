// SPDX-License-Identifier: Apache-2.0
// Where busy cycles go, by phase and by operation, and the run beneath its roofs.

function drawBreakdown() {
  const device = report.device;
  if (!device) return;
  const box = make("div");
  const kinds = [["phases", "Phases of the program"], ["operations", "Operations"]].filter(([kind]) => device[kind].length > 0);
  const buttons = kinds.map(([kind, word]) => make("button", {type: "button", textContent: word, value: kind}));
  const show = (kind) => {
    buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.value === kind)));
    box.replaceChildren(...shares(device[kind], device));
  };
  buttons.forEach((button) => { button.onclick = () => show(button.value); });
  section("breakdown", "Where busy cycles go", "Busy cycles of the mean core on each RISC, as a share of the run; lanes work side by side, so they do not add up to a whole.",
          make("div", {className: "tools"}, buttons), box);
  if (kinds.length > 0) show(kinds[0][0]);
}
function shares(list, device) {
  const colours = {BRISC: "semaphore", NCRISC: "barrier", UNPACK: "cb_empty", MATH: "busy", PACK: "dst"};
  const sum = (one) => d3.sum(Object.values(one.lanes), (lane) => lane.busy_mean);
  const sorted = list.map((one) => ({...one, name: one.name || "outside of phases"})).sort((a, b) => sum(b) - sum(a));
  const rows = sorted.map((one) => ({
    name: one.name,
    value: share(d3.max(Object.values(one.lanes), (lane) => lane.share)),
    parts: lanes.filter((lane) => one.lanes[lane]).map((lane) => [one.lanes[lane].busy_mean, colours[lane],
      `${lane}: ${exact(one.lanes[lane].busy_mean)} cycles a core, ${share(one.lanes[lane].share)} of the run\n${exact(one.lanes[lane].busy_sum)} cycles in all`]),
  }));
  return [bars("Busy cycles", rows, d3.max(sorted, sum) || 1), keys(lanes.map((lane) => [colours[lane], `${lane} (${roles[lane]})`])),
          table("Table", ["what", ...lanes, ...lanes.map((lane) => lane + " share")], () => sorted.map((one) =>
            [one.name, ...lanes.map((lane) => one.lanes[lane] ? one.lanes[lane].busy_mean : 0), ...lanes.map((lane) => share(one.lanes[lane] ? one.lanes[lane].share : 0))]))];
}

/** Peak at each fidelity, DRAM at what its channels give, and what all cores can receive. */
function roofs() {
  const chip = data.chip, device = report.device, totals = report.totals;
  const cores = report.cores.length;
  const peaks = ["LoFi", "HiFi2", "HiFi3", "HiFi4"].map((name, i) => ({name, flops: chip.flops_per_cycle / (i + 1) * cores * chip.clock_hz}));
  const dram = chip.dram_bytes_per_cycle * chip.dram.length * chip.clock_hz;
  const slopes = [{name: `DRAM ${(dram / 1e9).toPrecision(3)} GB/s`, rate: dram}, {name: `${(dram * chip.dram_crowd_share / 1e9).toPrecision(3)} GB/s when cores anywhere read`, rate: dram * chip.dram_crowd_share, dashed: true}];
  const moved = totals.dram.read_bytes + totals.dram.written_bytes;
  const points = moved > 0 ? [{name: "this run", x: device.flops / moved, y: device.flops / device.seconds, bytes: moved}] : [];
  return {peaks, slopes, points};
}

function drawRoofline() {
  if (!report.device || !data.chip || !(report.device.flops > 0)) return;
  const {peaks, slopes, points} = roofs();
  if (points.length === 0) return;
  const width = 720, height = 380, left = 58, right = 20, top = 14, bottom = 42;
  const box = make("div");
  const top0 = peaks[0].flops, low = Math.min(points[0].y / 4, top0 / 1000);
  const x = d3.scale.log().domain([Math.min(points[0].x / 4, low / slopes[0].rate), Math.max(points[0].x * 6, 8 * top0 / slopes[0].rate)]).range([left, width - right]);
  const y = d3.scale.log().domain([low, top0 * 1.6]).range([height - bottom, top]);
  section("roofline", "Roofline", "Operations of the result for each byte that DRAM moves, against what the cores of this run can do at each fidelity and what DRAM can deliver.", box,
          table("Table", ["what", "operations a byte", "TFLOP/s", "DRAM GB/s"], () => [
            ...points.map((point) => [point.name, point.x, point.y / 1e12, point.y / point.x / 1e9]), ...peaks.map((peak) => [`peak at ${peak.name}`, null, peak.flops / 1e12, null]),
            ...slopes.map((slope) => [slope.name, null, null, slope.rate / 1e9])]));
  onTheme(() => {
    box.replaceChildren();
    const svg = d3.select(box).append("svg").attr("class", "chart").attr("viewBox", `0 0 ${width} ${height}`).style("max-width", "860px");
    const axis = (scale, orient, format) => d3.svg.axis().scale(scale).orient(orient).ticks(5, format).outerTickSize(0);
    svg.append("g").attr("class", "axis").attr("transform", `translate(0,${height - bottom})`).call(axis(x, "bottom", ",d"));
    svg.append("g").attr("class", "axis").attr("transform", `translate(${left},0)`).call(axis(y, "left").tickFormat((value) => /^[125]/.test(String(value / 1e12).replace(/^0\.0*/, "")) ? value / 1e12 : ""));
    svg.append("text").attr({x: width - right, y: height - 6, "text-anchor": "end", class: "soft"}).text("operations a byte of DRAM");
    svg.append("text").attr({x: left + 6, y: top + 8, class: "soft"}).text("TFLOP/s");
    rooflineMarks(svg, box, {x, y, peaks, slopes, points});
  });
}
function rooflineMarks(svg, box, {x, y, peaks, slopes, points}) {
  const marks = [];
  const [first, last] = x.domain();
  for (const slope of slopes) {
    const from = Math.max(first, y.domain()[0] / slope.rate), to = peaks[0].flops / slope.rate;
    const line = svg.append("line").attr({x1: x(from), y1: y(from * slope.rate), x2: x(to), y2: y(to * slope.rate), stroke: css("dram"), "stroke-width": 2, "stroke-dasharray": slope.dashed ? "5 4" : null});
    marks.push({element: line[0][0], text: slope.name});
  }
  const used = String(report.config.fidelity || "").toLowerCase();
  peaks.forEach((peak, i) => {
    const own = peak.name.toLowerCase() === used;
    const line = svg.append("line").attr({x1: x(Math.max(first, peak.flops / slopes[0].rate)), y1: y(peak.flops), x2: x(last), y2: y(peak.flops), stroke: css(own ? "busy" : "launch"), "stroke-width": own ? 2.5 : 1.2});
    svg.append("text").attr({x: x(last) - 2 - 66 * (i % 2), y: y(peak.flops) - 4, "text-anchor": "end", class: own ? "" : "soft"}).text(`${peak.name} ${+(peak.flops / 1e12).toPrecision(3)}`);
    marks.push({element: line[0][0], text: `peak of ${report.cores.length} cores at ${peak.name}${own ? ", which this run uses" : ""}: ${+(peak.flops / 1e12).toPrecision(4)} TFLOP/s`});
  });
  for (const point of points) {
    const dot = svg.append("circle").attr({cx: x(point.x), cy: y(point.y), r: 7, fill: css("cb_empty"), stroke: css("card"), "stroke-width": 2});
    svg.append("text").attr({x: x(point.x) + 11, y: y(point.y) + 4}).style("font-weight", 650).text(`${point.name}: ${+(point.y / 1e12).toPrecision(3)} TFLOP/s`);
    marks.push({element: dot[0][0], text: `${point.name}\n${+(point.y / 1e12).toPrecision(5)} TFLOP/s\n${+point.x.toPrecision(5)} operations a byte of DRAM\n${exact(point.bytes)} bytes, ${(point.y / point.x / 1e9).toPrecision(4)} GB/s`});
  }
  tells(box, "Roofline", marks.reverse());
}

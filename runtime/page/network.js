// SPDX-License-Identifier: Apache-2.0
// Both networks as maps of the die: every link with its load, DRAM banks where they are, over the run or at a time of it.

const steps = {east: [1, 0], south: [0, 1], north: [0, -1], west: [-1, 0]};

function drawNetwork() {
  const device = report.device;
  if (!device || !data.chip) return;
  const samples = data.timeline ? data.timeline.links : null;
  const maps = device.noc.nocs.map((noc) => networkMap(noc));
  const slider = make("input", {type: "range", id: "moment", min: 0, max: samples ? samples.windows : 0, value: 0, step: 1, "aria-label": "Part of the run"});
  const moment = make("span", {className: "soft"});
  const show = () => {
    const window = Number(slider.value) - 1;
    moment.textContent = window < 0 ? "the whole run" : `${grouped(Math.round(window * samples.cycles))} to ${grouped(Math.round(Math.min(device.cycles, (window + 1) * samples.cycles)))} cycles`;
    maps.forEach((map) => map.show(window));
  };
  slider.oninput = show;
  section("network", "The networks", "Both tori in physical coordinates, NoC 0 to the east and south, NoC 1 to the west and north. The colour of a link is the share of the time in which flits cross it; squares are cores, with their place in the grid, and DRAM banks, coloured by how busy they are.",
          samples ? make("div", {className: "tools"}, make("label", {}, "Time", slider), moment) : null,
          make("div", {className: "pair even"}, maps.map((map) => map.box)), rampKey(loadNames, "idle", "100 % busy"),
          table("Table of links", ["NoC", "from", "direction", "busy cycles", "share of the time", "bytes"],
                () => device.noc.nocs.flatMap((noc) => noc.links.map((link) => [noc.noc, `${link.x}-${link.y}`, link.direction, link.busy, share(link.utilisation), link.bytes]))),
          table("Table of DRAM banks", ["bank", "at", "busy cycles", "share of the time", "bytes read", "bytes written"],
                () => device.dram.banks.map((bank, i) => [i, data.chip.dram[i].join("-"), bank.busy, share(bank.utilisation), bank.read_bytes, bank.written_bytes])));
  onTheme(show);
}

/** One torus. Links leave a node towards the next; those that wrap around end at the edge. */
function networkMap(noc) {
  const [columns, rows] = data.chip.die;
  const pitch = 46, side = 22, rim = 26;
  const box = make("div", {}, make("h3", {textContent: `NoC ${noc.noc}: mean of ${noc.links.length} used links ${share(noc.mean_utilisation)}`}));
  const svg = d3.select(box).append("svg").attr("class", "chart").attr("viewBox", `0 0 ${2 * rim + columns * pitch} ${2 * rim + rows * pitch}`);
  const middle = (at) => rim + (at + 0.5) * pitch;
  const lines = noc.links.map((link) => {
    const [dx, dy] = steps[link.direction];
    const aside = noc.noc === 0 ? 0 : 0;
    const x = middle(link.x) + dx * side / 2 + aside, y = middle(link.y) + dy * side / 2 + aside;
    return {link, x1: x, y1: y, x2: x + dx * (pitch - side - 1), y2: y + dy * (pitch - side - 1)};
  });
  const drawn = svg.selectAll("line").data(lines).enter().append("line")
    .attr({x1: (d) => d.x1, y1: (d) => d.y1, x2: (d) => d.x2, y2: (d) => d.y2, "stroke-width": 7});
  const nodes = networkNodes(svg, middle, side);
  const show = (window) => {
    const colour = ramp(loadNames, 1);
    const load = (link) => window < 0 ? link.utilisation : loadAt(noc.noc, link, window);
    drawn.attr("stroke", (d) => colour(load(d.link)));
    nodes.forEach((node) => node.paint(colour));
    tells(box, `NoC ${noc.noc}`, [...drawn[0].map((element, i) => ({element, text: linkText(noc.noc, lines[i].link, load(lines[i].link), window)})), ...nodes.filter((node) => node.text)]);
  };
  return {box, show};
}
function linkText(noc, link, load, window) {
  const head = `NoC ${noc}, ${link.x}-${link.y} to the ${link.direction}`;
  if (window >= 0) return `${head}\n${share(load)} busy in this part\n${share(link.utilisation)} over the run`;
  return `${head}\n${share(load)} busy: ${exact(link.busy)} cycles\n${exact(link.bytes)} bytes`;
}
function loadAt(noc, link, window) {
  const one = data.timeline.links.loads[`${noc}:${link.x}-${link.y}:${link.direction}`];
  return one ? (one[window] || 0) / 100 : 0;
}

function networkNodes(svg, middle, side) {
  const [columns, rows] = data.chip.die;
  const banks = new Map();
  data.chip.dram.forEach(([x, y], bank) => banks.set(`${x}-${y}`, bank));
  const cores = new Map((report.cores || []).map((core) => [`${core.physical.x}-${core.physical.y}`, core]));
  const nodes = [];
  for (let y = 0; y < rows; ++y) {
    for (let x = 0; x < columns; ++x) {
      const key = `${x}-${y}`;
      const core = cores.get(key), bank = banks.get(key);
      const square = svg.append("rect").attr({x: middle(x) - side / 2, y: middle(y) - side / 2, width: side, height: side, rx: bank === undefined ? 4 : 11});
      const word = svg.append("text").attr({x: middle(x), y: middle(y) + 3.2, "text-anchor": "middle"}).style("font-size", "8.5px").style("pointer-events", "none")
        .text(bank !== undefined ? `D${bank}` : core ? `${core.x},${core.y}` : "");
      const use = bank === undefined ? null : report.device.dram.banks[bank];
      nodes.push({
        element: square[0][0],
        text: use ? `DRAM bank ${bank} at ${key}\n${share(use.utilisation)} busy: ${exact(use.busy)} cycles\nread ${exact(use.read_bytes)} bytes, written ${exact(use.written_bytes)}` : core ? `core ${place(core)} at ${key}` : "",
        paint(colour) {
          const fill = use ? colour(use.utilisation) : core ? css("inset") : "none";
          square.attr({fill, stroke: css("line"), "stroke-width": use || core ? 1 : 0.4});
          word.style("fill", use ? inkOn(fill) : css("soft"));
        },
      });
    }
  }
  svg.selectAll("text.rim").data(d3.range(columns)).enter().append("text").attr({x: middle, y: 14, "text-anchor": "middle", class: "soft"}).text(String);
  svg.selectAll("text.side").data(d3.range(rows)).enter().append("text").attr({x: 8, y: (y) => middle(y) + 4, class: "soft"}).text(String);
  return nodes;
}

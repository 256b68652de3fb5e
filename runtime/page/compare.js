// SPDX-License-Identifier: Apache-2.0
// Runs side by side: which is best, what differs, a chart of bars for every figure, what did not run and why.

const ran = (row) => !row.error;
const compared = (data.rows || []).filter(ran), refused = (data.rows || []).filter((row) => !ran(row));
/** Flags that make rows differ, in the order of their first use. */
const axes = [...new Set((data.rows || []).flatMap((row) => Object.keys(row.flags || {})))];
/** What a run has chosen and what a flag has asked for may be the same. */
const figures = (data.figures || []).filter((figure) => compared.length === 0 || !axes.some((flag) => compared.every((row) => String(row.values[figure.key]) === row.flags[flag])));
const label = (row) => groups.length > 1 ? row.name : axes.length > 0 ? axes.filter((flag) => flag in row.flags).map((flag) => row.flags[flag]).join(" ") : row.name;

function figureText(figure, value) {
  if (value === null || value === undefined) return "-";
  if (typeof value !== "number") return String(value);
  if (figure.unit === "s") return duration(value);
  if (figure.unit === "B") return bytes(value);
  return figure.unit === "share" ? share(value) : exact(value);
}
/** The same with all of its digits. */
function figureExact(figure, value) {
  if (typeof value !== "number") return figureText(figure, value);
  if (figure.unit === "s") return `${duration(value)} (${value} s)`;
  if (figure.unit === "B") return `${grouped(value)} bytes`;
  return figure.unit === "share" ? `${+(100 * value).toPrecision(6)} %` : Number.isInteger(value) ? grouped(value) : String(+value.toPrecision(8));
}
function bestOf(rows, figure) {
  const values = rows.map((row) => row.values[figure.key]).filter((value) => typeof value === "number");
  return figure.better === "most" ? d3.max(values) : figure.better === "least" ? d3.min(values) : undefined;
}
/** Rows that win: the best of each group. */
const winners = new Set();
const deciding = figures.find((figure) => figure.key === data.winner);
const groups = d3.nest().key((row) => row.group || "").entries(compared);
if (deciding) {
  for (const group of groups) {
    const least = bestOf(group.values, deciding);
    winners.add(group.values.find((row) => row.values[deciding.key] === least));
  }
}
const marked = (row) => winners.has(row) ? "★ " : row.front ? "● " : "";

const times = (factor) => `${+factor.toPrecision(factor < 1.1 ? 4 : 3)} times`;
function drawVerdict() {
  const tiles = make("div", {className: "tiles"});
  const box = section("best", deciding ? groups.length > 1 ? "The best of each" : "The best" : "What was compared", "", tiles);
  if (deciding && groups.length === 1 && compared.length > 0) {
    const winner = [...winners][0], value = winner.values[deciding.key];
    tiles.append(tile("Least " + deciding.name.toLowerCase(), label(winner), figureText(deciding, value)),
                 tile("Against the first", times(compared[0].values[deciding.key] / value), label(compared[0])),
                 tile("Against the slowest", times(d3.max(compared, (row) => row.values[deciding.key]) / value), label(compared.reduce((a, b) => b.values[deciding.key] > a.values[deciding.key] ? b : a))));
  }
  tiles.append(tile("Ran", String(compared.length), refused.length > 0 ? `${refused.length} did not, see below` : "all of them"));
  const wrong = compared.filter((row) => row.verified === false).length, right = compared.filter((row) => row.verified === true).length;
  if (wrong + right > 0) tiles.append(tile("Verified", wrong > 0 ? `${wrong} wrong` : "right", `${wrong + right} of ${compared.length} were verified`));
  if (groups.length > 1 && deciding) {
    const least = d3.max([...winners], (row) => row.values[deciding.key]);
    box.append(bars("The best of each", [...winners].map((row) => ({
      name: row.group, value: `${row.name}, ${figureText(deciding, row.values[deciding.key])}`,
      parts: [[row.values[deciding.key], "noc", `${row.name}\n${figureExact(deciding, row.values[deciding.key])}`]],
    })), least), table("Table", ["what", "best", deciding.name], () => [...winners].map((row) => [row.group, row.name, figureText(deciding, row.values[deciding.key])])));
  }
}

/** First of all: what makes the rows differ. */
function drawDifferences() {
  const heads = axes.length > 0 ? axes.map((flag) => flag.replace(/^--/, "")) : ["kernel"];
  const cells = (row) => axes.length > 0 ? axes.map((flag) => row.flags[flag] || "") : [row.name];
  // Figures that are words say how a row went about it.
  const words = figures.filter((figure) => figure.unit === "text" && new Set(compared.map((row) => row.values[figure.key])).size > 1);
  const keyed = deciding ? [deciding] : data.scatter ? ["x", "y"].map((axis) => figures.find((figure) => figure.key === data.scatter[axis])) : [];
  const text = (row, list) => list.map((figure) => figureText(figure, row.values[figure.key]));
  section("differs", "What differs", winners.size > 0 ? "★ has the least device time" + (groups.length > 1 ? " of its shape." : ".") : data.scatter ? "● none is both quicker and nearer." : "",
    make("div", {className: "table", tabIndex: 0}, filled(["", ...heads, ...[...keyed, ...words].map((figure) => figure.name)],
      compared.map((row) => [marked(row).trim(), ...cells(row), ...text(row, keyed), ...text(row, words)]))));
}
function drawRefused() {
  if (refused.length === 0) return;
  section("refused", "What does not run, and why", "", refused.map((row) => make("div", {className: "finding error"},
    make("strong", {textContent: axes.length > 0 ? axes.filter((flag) => flag in row.flags).map((flag) => `${flag} ${row.flags[flag]}`).join(" ") : row.name}), make("div", {textContent: row.error}))));
}

const most = 24;  // bars of a chart before the rest is asked for
function barChart(figure, rows) {
  const shown = rows.filter((row) => typeof row.values[figure.key] === "number");
  const top = d3.max(shown, (row) => row.values[figure.key]), best = bestOf(shown, figure);
  if (!(top > 0) || shown.length === 0) return null;
  const chart = bars(figure.name, shown.slice(0, most).map((row) => {
    const value = row.values[figure.key];
    const against = best > 0 && figure.better === "least" ? `\n${(value / best).toFixed(2)} times the least` : best > 0 && figure.better === "most" ? `\n${share(value, best)} of the most` : "";
    return {name: marked(row) + label(row), value: figureText(figure, value),
            parts: [[value, winners.has(row) ? "noc" : row.front ? "dst" : "busy", `${figureExact(figure, value)}${value === best ? ", the best" : against}`]]};
  }), top);
  return make("div", {className: "compared"}, make("h3", {textContent: figure.name}), chart,
    shown.length > most ? make("p", {className: "note", textContent: `The first ${most} of ${shown.length}; the table has all.`}) : null,
    table("Table", ["", "what", figure.name], () => shown.map((row) => [marked(row).trim(), row.name, figureText(figure, row.values[figure.key])])));
}
function drawFigures() {
  const numbers = figures.filter((figure) => compared.some((row) => row.values[figure.key] > 0));
  if (numbers.length === 0) return;
  const order = make("select", {id: "order"}, make("option", {value: "", textContent: "the report's order"}), numbers.map((figure) => make("option", {value: figure.key, textContent: figure.name})));
  const which = groups.length > 1 ? make("select", {id: "group"}, groups.map((group) => make("option", {value: group.key, textContent: group.key || "all"}))) : null;
  const charts = make("div", {className: "pair even"}), equal = make("p", {className: "note"});
  const draw = () => {
    let rows = which ? groups.find((group) => group.key === which.value).values : compared;
    const by = numbers.find((figure) => figure.key === order.value);
    if (by) rows = rows.slice().sort((a, b) => (by.better === "most" ? -1 : 1) * (a.values[by.key] - b.values[by.key]));
    // What differs comes first, what is the same for all is a line.
    const differs = (figure) => new Set(rows.map((row) => row.values[figure.key])).size > 1;
    charts.replaceChildren(...numbers.filter(differs).map((figure) => barChart(figure, rows)).filter(Boolean));
    const same = numbers.filter((figure) => !differs(figure)).map((figure) => `${figure.name} ${figureText(figure, rows[0].values[figure.key])}`);
    equal.textContent = same.length > 0 ? `The same for all: ${same.join("; ")}.` : "";
  };
  order.onchange = draw;
  if (which) which.onchange = draw;
  section("figures", "Side by side", "Bars begin at 0. " + (winners.size > 0 ? "Green is the row with the least device time." : data.scatter ? "Purple rows are on the front." : ""),
          make("div", {className: "tools"}, which ? make("label", {}, "Shape ", which) : null, make("label", {}, "Order by ", order)), charts, equal);
  draw();
}

/** Axes of a chart with a point or line for each row. */
function frame(box, xs, ys, {x, y, height = 360, logX = true}) {
  const width = 720, left = 66, right = 24, top = 16, bottom = 46;
  const scale = (values, range, log) => {
    const [low, high] = d3.extent(values);
    return log && low > 0 ? d3.scale.log().domain([low / 1.15, high * 1.15]).range(range) : d3.scale.linear().domain([Math.min(0, low), high * 1.08]).range(range);
  };
  const across = scale(xs, [left, width - right], logX), up = scale(ys, [height - bottom, top], true);
  const svg = d3.select(box).append("svg").attr("class", "chart").attr("viewBox", `0 0 ${width} ${height}`).style("max-width", "900px");
  const ticks = (of, values) => values || (of.domain()[0] > 0 && of.domain()[1] / of.domain()[0] < 20 ? d3.scale.linear().domain(of.domain()).ticks(6) : of.ticks(6).filter((value) => /^[125]/.test(value.toExponential())));
  const axis = (of, orient, text, values) => d3.svg.axis().scale(of).orient(orient).tickValues(ticks(of, values)).tickFormat(text).outerTickSize(0);
  svg.append("g").attr("class", "axis").attr("transform", `translate(0,${height - bottom})`).call(axis(across, "bottom", x.text, x.values));
  svg.append("g").attr("class", "axis").attr("transform", `translate(${left},0)`).call(axis(up, "left", y.text));
  svg.append("text").attr({x: width - right, y: height - 8, "text-anchor": "end", class: "soft"}).text(x.name);
  svg.append("text").attr({x: left + 6, y: top + 4, class: "soft"}).text(y.name);
  return {svg, across, up};
}
const brief = (value) => value >= 1e-2 && value < 1e4 ? String(+value.toPrecision(3)) : value.toExponential(1);

function drawScatter() {
  if (!data.scatter) return;
  const x = figures.find((figure) => figure.key === data.scatter.x), y = figures.find((figure) => figure.key === data.scatter.y);
  const points = compared.filter((row) => row.values[x.key] > 0 && row.values[y.key] > 0);
  if (points.length === 0) return;
  const box = make("div");
  section("scatter", `${y.name} over ${x.name.toLowerCase()}`, "To the left is quicker, below is nearer. The front: none is both quicker and nearer.", box, keys([["dst", "on the front"], ["busy", "beaten by another"]]),
          table("Table", ["front", ...axes.map((flag) => flag.replace(/^--/, "")), x.name, y.name], () => points.map((row) => [marked(row).trim(), ...axes.map((flag) => row.flags[flag]), figureText(x, row.values[x.key]), row.values[y.key]])));
  onTheme(() => {
    box.replaceChildren();
    const {svg, across, up} = frame(box, points.map((row) => row.values[x.key]), points.map((row) => row.values[y.key]),
      {x: {name: x.name, text: (value) => figureText(x, value)}, y: {name: y.name, text: brief}});
    const at = (row) => [across(row.values[x.key]), up(row.values[y.key])];
    const front = points.filter((row) => row.front).sort((a, b) => a.values[x.key] - b.values[x.key]);
    if (front.length > 1) svg.append("path").attr({d: "M" + front.map(at).map((point, i, all) => i === 0 ? point : `${point[0]},${all[i - 1][1]}L${point}`).join("L"), fill: "none", stroke: css("dst"), "stroke-width": 1.6, "stroke-dasharray": "5 4"});
    const marks = points.map((row) => {
      const [cx, cy] = at(row);
      const dot = svg.append("circle").attr({cx, cy, r: row.front ? 6.5 : 5, fill: css(row.front ? "dst" : "busy"), stroke: css("card"), "stroke-width": 1.5});
      return {row, element: dot[0][0], text: `${label(row)}${row.front ? "\non the front" : ""}\n${x.name} ${figureExact(x, row.values[x.key])}\n${y.name} ${figureExact(y, row.values[y.key])}`};
    });
    marks.sort((a, b) => a.row.values[x.key] - b.row.values[x.key]);
    tells(box, `${y.name} over ${x.name}`, marks);
  });
}

function drawLines() {
  const lines = data.lines;
  if (!lines || lines.at.length < 2) return;
  const box = make("div"), axis = lines.axis.replace(/^--/, "");
  const shown = compared.map((row, i) => ({row, values: lines.values[i] || []})).filter((one) => one.values.some((value) => value > 0));
  section("lines", lines.title, `By ${lines.axis}. Rows of the front are drawn strongly.`, box,
          table("Table", ["front", ...axes.map((flag) => flag.replace(/^--/, "")), ...lines.at.map((at) => `${axis} ${at}`)], () => shown.map(({row, values}) => [marked(row).trim(), ...axes.map((flag) => row.flags[flag]), ...values.map((value) => value === null ? "does not run" : value)])));
  onTheme(() => {
    box.replaceChildren();
    const all = shown.flatMap((one) => one.values).filter((value) => value > 0);
    const {svg, across, up} = frame(box, lines.at, all, {x: {name: axis, text: (value) => grouped(value), values: lines.at}, y: {name: "relative L2", text: brief}});
    const marks = [];
    shown.forEach(({row, values}, i) => {
      const colour = row.front ? phaseColours[i % phaseColours.length] : css("launch");
      const points = values.map((value, j) => [lines.at[j], value]).filter((point) => point[1] > 0);
      svg.append("path").attr({d: "M" + points.map((point) => `${across(point[0])},${up(point[1])}`).join("L"), fill: "none", stroke: colour, "stroke-width": row.front ? 2.4 : 1, opacity: row.front ? 1 : 0.7});
      for (const [at, value] of points) {
        const dot = svg.append("circle").attr({cx: across(at), cy: up(value), r: row.front ? 4.5 : 3.5, fill: colour, stroke: css("card")});
        marks.push({element: dot[0][0], text: `${label(row)}${row.front ? "\non the front" : ""}\n${axis} ${grouped(at)}: ${+value.toPrecision(6)}`});
      }
    });
    tells(box, lines.title, marks);
  });
}

function drawComparison() {
  drawVerdict();
  if (compared.length > 0) drawDifferences();
  drawRefused();
  drawScatter();
  drawLines();
  drawFigures();
  if (compared.length > 0) drawAll();
  if ((report.warnings || []).length > 0) drawFindings();
  drawText();
}
function drawAll() {
  const numbers = figures.filter((figure) => compared.some((row) => row.values[figure.key] !== null));
  section("table", "All figures", "", table("Table", ["", "what", ...numbers.map((figure) => figure.name + (figure.unit === "s" ? " (s)" : figure.unit === "B" ? " (bytes)" : ""))],
    () => compared.map((row) => [marked(row).trim(), row.name, ...numbers.map((figure) => figure.unit === "share" ? figureText(figure, row.values[figure.key]) : row.values[figure.key])])));
}
function drawText() {
  if (data.text) section("text", "As text", "", make("details", {}, make("summary", {textContent: "What the command prints"}), make("pre", {textContent: data.text.trim()})));
}

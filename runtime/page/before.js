// SPDX-License-Identifier: Apache-2.0
// A log on another chip than it was made on: the run before and after, side by side.

function drawBefore() {
  const before = data.before, after = report.device;
  if (!before) return;
  const rows = [
    ["Device time", "s", (one) => one.seconds], ["Cycles", "", (one) => one.cycles], ["TFLOP/s", "", (one) => one.tflops], ["Part of the peak", "share", (one) => one.peak_share],
    ...Object.keys({...before.bound.limits, ...after.bound.limits}).map((name) => [`Limit: ${name}, cycles`, "", (one) => one.bound.limits[name] || 0]),
    ["DRAM bytes a second", "B", (one) => one.dram.bytes_per_second], ["DRAM banks busy", "share", (one) => one.dram.utilisation.mean],
    ...lanes.map((lane) => [`${lane} (${roles[lane]}) busy`, "share", (one) => one.lanes[lane] ? one.lanes[lane].busy / one.cycles : 0]),
    ...after.noc.nocs.map((noc, i) => [`NoC ${noc.noc}: mean of used links`, "share", (one) => one.noc.nocs[i] ? one.noc.nocs[i].mean_utilisation : 0]),
  ].map(([name, unit, of]) => ({name, unit, before: of(before), after: of(after)})).filter((row) => row.before > 0 || row.after > 0);
  const gain = before.seconds / after.seconds;
  const change = (row) => row.before > 0 ? `${row.after >= row.before ? "+" : ""}${(100 * (row.after / row.before - 1)).toFixed(1)} %` : "-";
  const charts = rows.filter((row) => row.before !== row.after).map((row) => make("div", {className: "compared"}, make("h3", {textContent: `${row.name}: ${change(row)}`}),
    bars(row.name, [["before", "launch", row.before], ["after", "busy", row.after]].map(([name, colour, value]) => ({
      name, value: figureText(row, value), parts: [[value, colour, `${row.name}\n${figureExact(row, value)}${name === "after" ? `\n${change(row)} of before` : ""}`]],
    })), Math.max(row.before, row.after))));
  section("before", "Before and after", `Before: on ${data.before_chip}, which the log was made on. After: ${data.after_chip}. The run takes ${gain >= 1 ? `${gain.toFixed(3)} times less` : `${(1 / gain).toFixed(3)} times more`} time.`,
    (data.changes || []).length > 0 ? table("What was set", ["constant", "before", "after"], () => data.changes.map((one) => [one.name, one.before, one.after])) : null,
    make("div", {className: "pair even"}, charts),
    table("Table", ["figure", "before", "after", "change"], () => rows.map((row) => [row.name, figureText(row, row.before), figureText(row, row.after), change(row)])));
}

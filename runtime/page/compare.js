// SPDX-License-Identifier: Apache-2.0
// Runs side by side: what each takes, and a table of all that differs.

function drawComparison() {
  const rows = data.rows || [];
  const figures = data.columns || [];
  for (const column of figures.filter((one) => one.draw)) {
    const index = figures.indexOf(column);
    const shown = rows.filter((row) => typeof row.values[index] === "number");
    const most = d3.max(shown, (row) => row.values[index]);
    const least = d3.min(shown, (row) => row.values[index]);
    if (!(most > 0)) continue;
    const best = column.draw === "least" ? least : column.draw === "most" ? most : NaN;
    section(`figure-${index}`, column.name, column.note || "",
      bars(column.name, shown.map((row) => ({
        name: row.name, value: withUnit(row.values[index], column.unit),
        parts: [[row.values[index], row.values[index] === best ? "noc" : "busy",
                 `${withUnit(row.values[index], column.unit)}${row.values[index] === best ? ", the best" : ""}\n${share(row.values[index], best || most)} of the ${Number.isNaN(best) ? "largest" : "best"}`]],
      })), most));
  }
  section("table", "All figures", data.note || "", make("div", {className: "table", tabIndex: 0}, filled(
    ["", ...figures.map((one) => one.name + (one.unit && one.unit !== "%" ? ` (${one.unit})` : ""))],
    rows.map((row) => [row.name, ...row.values.map((value, i) => value !== null && figures[i].unit === "%" ? share(value, 100) : value)]))));
  for (const row of rows.filter((one) => one.error)) {
    document.querySelector("#table").append(make("div", {className: "finding error", textContent: `${row.name}: ${row.error}`}));
  }
  if (data.text) section("text", "As text", "", make("pre", {textContent: data.text.trim()}));
}

// SPDX-License-Identifier: Apache-2.0
// Draws the page: sections that there are figures for, in their order.

function drawSections() {
  const list = make("ul");
  for (const box of document.querySelectorAll("main > section")) {
    list.append(make("li", {}, make("a", {href: "#" + box.id, textContent: box.querySelector("h2").textContent})));
  }
  document.getElementById("sections").append(list);
}

const size = String((report.config && report.config.grid) || "0x0").split("x").map(Number);
[grid.columns, grid.rows] = size;
drawHead();
if ((data.kind === "run" || data.kind === "retime") && !report.error) {
  drawHeadline();
  drawBefore();
  drawGrid();
  drawTimeline();
  drawNetwork();
  drawBreakdown();
  if (report.totals) drawRoofline();
  drawPlans();
}
if (data.kind === "run") {
  drawFindings();
  drawHost();
  drawCounts();
} else if (data.kind === "plan") {
  drawPlanning();
} else if (data.kind === "comparison") {
  drawComparison();
} else {
  drawText();
}
drawFoot();
drawSections();
if (report.cores && report.cores.length > 0) {
  const slowest = report.device ? report.device.slowest_core : [0, 0];
  grid.choose(slowest[1] * grid.columns + slowest[0]);
}
document.documentElement.dataset.drawn = String(Math.round(performance.now()));

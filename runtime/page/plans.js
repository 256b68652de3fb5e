// SPDX-License-Identifier: Apache-2.0
// The DST plan of planned runs: who holds which slot when, step by step of a section.

function drawPlans() {
  const plans = report.plan ? [["", report.plan]] : Object.entries(report.plans || {});
  if (plans.length === 0) return;
  const box = section("plan", plans.length > 1 ? "DST plans" : "DST plan", "One row a slot, one column a step of a section, as the planner has ordered them: a value is in its slot from the step that makes it to the last that uses it. What lies above the capacity does not fit.");
  for (const [step, plan] of plans) {
    box.append(make("h3", {textContent: `${step ? step + ": " : ""}${plan.strategy}, peak ${plan.peak} of ${plan.machine.capacity} slots${plan.fits ? "" : ", does not fit"}`}),
               make("p", {className: "note", textContent: `block ${plan.block}, ${plan.sections} section${plan.sections === 1 ? "" : "s"} of ${plan.tiles_per_section} tiles; ${cycles(plan.cost.interval)} from block to block, bound by ${plan.cost.bound}; ${(plan.account || []).map((one) => `${one.what} ${one.slots}`).join(" + ")}`}));
    (plan.stages || []).forEach((stage, i) => stage.runs.forEach((run, j) => box.append(slotChart(plan, stage, run, `${step} stage ${i + 1}, run ${j + 1}`))));
  }
}

/** Spans of values in slots: {slot, from, to, value, text}. */
function slotSpans(run) {
  const held = new Map(), spans = [];
  run.body.forEach((action, at) => {
    const slots = action.slots || [];
    const [rows, columns] = action.area || [1, 1];
    const result = action.action === "pack" ? [] : d3.range(slots.length > 0 ? slots[0] : 0, (slots.length > 0 ? slots[0] : 0) + (slots.length > 0 ? rows * columns : 0));
    for (const slot of new Set([...slots, ...result])) {
      const now = held.get(slot);
      if (now) now.to = at + 1;
      if (result.includes(slot) && (!now || now.value !== action.result)) {
        const span = {slot, from: at, to: at + 1, value: action.result, action: action.action, tile: action.tile};
        held.set(slot, span);
        spans.push(span);
      }
    }
  });
  return spans;
}

function slotChart(plan, stage, run, name) {
  const spans = slotSpans(run);
  const stepsCount = run.body.length;
  const slots = Math.max(plan.machine.capacity, (d3.max(spans, (span) => span.slot) || 0) + 1);
  const pitch = 18, left = 52, width = Math.max(420, left + stepsCount * 24);
  const box = make("div", {className: "scroll"});
  const values = [...new Set(spans.map((span) => span.value))];
  const svg = d3.select(box).append("svg").attr("class", "chart").attr("viewBox", `0 0 ${width} ${slots * pitch + 26}`).style("width", width + "px").style("max-width", "none");
  for (let slot = 0; slot < slots; ++slot) {
    svg.append("rect").attr({x: left, y: slot * pitch + 1, width: stepsCount * 24, height: pitch - 2}).style("fill", slot < plan.machine.capacity ? "var(--ended)" : "var(--inset)");
    svg.append("text").attr({x: 0, y: slot * pitch + 13, class: "soft"}).text(`slot ${slot}`);
  }
  const marks = spans.map((span) => {
    const colour = phaseColours[values.indexOf(span.value) % phaseColours.length];
    const rect = svg.append("rect").attr({x: left + span.from * 24, y: span.slot * pitch + 1, width: (span.to - span.from) * 24 - 1, height: pitch - 2, rx: 2, fill: colour});
    if ((span.to - span.from) * 24 > span.value.length * 7) svg.append("text").attr({x: left + span.from * 24 + 4, y: span.slot * pitch + 13}).style({fill: "#fff", "pointer-events": "none"}).text(span.value);
    return {element: rect[0][0], text: `slot ${span.slot}: ${span.value}${span.tile ? ` of tile (${span.tile.join(",")})` : ""}\nmade by ${span.action}, steps ${span.from + 1} to ${span.to}`};
  });
  run.body.forEach((_, i) => { if (i % 2 === 0) svg.append("text").attr({x: left + i * 24 + 12, y: slots * pitch + 16, "text-anchor": "middle", class: "soft"}).text(i + 1); });
  tells(box, `Slots of ${name}`, marks);
  return make("div", {}, box, table(`Table of steps, ${name.trim()}`, ["step", "action", "operation", "reads", "result", "tile", "slots"],
    () => run.body.map((one, i) => [i + 1, one.action, one.op || null, (one.reads || one.packs || []).join(" "), one.result, one.tile.join(","), (one.slots || []).join(" ")])));
}

// SPDX-License-Identifier: Apache-2.0
// The DST plan of planned runs: who holds which slot when, step by step of a section.

function drawPlans() {
  const plans = report.plan ? [["", report.plan]] : Object.entries(report.plans || {});
  if (plans.length === 0) return;
  const box = section("plan", plans.length > 1 ? "DST plans" : "DST plan", slotsNote);
  for (const [step, plan] of plans) box.append(...planPictures(step, plan));
}
const slotsNote = "One row a slot, one column a step of a section, as the planner has ordered them: a value is in its slot from the step that makes it to the last that uses it. What lies above the capacity does not fit.";
function planPictures(step, plan) {
  return [make("h3", {textContent: `${step ? step + ": " : ""}${plan.strategy}, peak ${plan.peak} of ${plan.machine.capacity} slots${plan.fits ? "" : ", does not fit"}`}),
          make("p", {className: "note", textContent: `block ${plan.block}, ${plan.sections} section${plan.sections === 1 ? "" : "s"} of ${plan.tiles_per_section} tiles; ${cycles(plan.cost.interval)} from block to block, bound by ${plan.cost.bound}; ${(plan.account || []).map((one) => `${one.what} ${one.slots}`).join(" + ")}`}),
          ...(plan.stages || []).flatMap((stage, i) => stage.runs.map((run, j) => slotChart(plan, stage, run, `${step} stage ${i + 1}, run ${j + 1}`)))];
}

/** The page of `plan`: what every strategy makes of the graph, why not, and the slots of the one that is chosen. */
function drawPlanning() {
  const plans = report.plans || [];
  if (plans.length === 0) return drawText();
  const asked = plans.find((plan) => plan.strategy === report.strategy) || plans[plans.length - 1];
  const legal = plans.filter((plan) => plan.fits && plan.cost && plan.cost.interval > 0);
  const least = d3.min(legal, (plan) => plan.cost.cycles), best = legal.find((plan) => plan.cost.cycles === least);
  section("verdict", asked.fits ? "It fits" : "It does not fit", "", make("div", {className: "tiles"},
    tile("Strategy", asked.strategy, asked.fits ? "has a legal plan" : "has none"),
    tile("DST slots", `${asked.refusal ? asked.refusal.needed : asked.peak} of ${asked.machine.capacity}`, `${asked.machine.dst_bits}-bit DST, ${asked.machine.sync} sync`),
    asked.fits ? tile("From block to block", cycles(asked.cost.interval), `bound by ${asked.cost.bound}`) : null,
    best ? tile("Quickest strategy", best.strategy, `${cycles(best.cost.cycles)} for ${best.cost.blocks} blocks`) : null,
    tile("Buffers", bytes(asked.cb_bytes), `block ${asked.block}, ${asked.sections} section${asked.sections === 1 ? "" : "s"}`)),
    ...plans.filter((plan) => plan.refusal).map((plan) => make("div", {className: "finding error"}, make("strong", {textContent: `${plan.strategy}: ${plan.refusal.reason}`}),
      make("div", {textContent: (plan.refusal.account || []).map((one) => `${one.what} ${one.slots}`).join(" + ")}),
      plan.refusal.would_fit ? make("div", {className: "soft", textContent: `would fit: ${plan.refusal.would_fit}`}) : null)));
  drawStrategies(plans, best);
  drawSlots(plans, asked);
  drawText();
}

function drawStrategies(plans, best) {
  const name = (plan) => (plan === best ? "★ " : "") + plan.strategy + (plan.cores > 1 ? ` (${plan.cores} cores)` : "");
  const slots = (plan) => plan.refusal ? plan.refusal.needed : plan.peak;
  const colours = ["busy", "cb_empty", "barrier", "dst", "dram", "semaphore", "noc", "src"];
  const costs = [["unpack", "cb_empty"], ["math", "busy"], ["pack", "dst"], ["read", "barrier"], ["write", "semaphore"]];
  const most = d3.max(plans, slots);
  const legal = plans.filter((plan) => plan.fits);
  const top = d3.max(legal, (plan) => plan.cost.interval);
  section("strategies", "Strategies side by side", "★ needs the least time for all blocks.",
    make("div", {className: "pair even"},
      make("div", {}, make("h3", {textContent: `DST slots of the fullest section; there are ${plans[0].machine.capacity}`}), bars("DST slots", plans.map((plan) => ({
        name: name(plan), value: `${slots(plan)}${plan.fits ? "" : ", too many"}`,
        parts: (plan.account || []).map((one, i) => [one.slots, plan.fits ? colours[i % colours.length] : "launch", `${one.what}: ${one.slots} slots`]),
      })), most)),
      make("div", {}, make("h3", {textContent: "Cycles of all blocks"}), bars("Cycles of all blocks", legal.map((plan) => ({
        name: name(plan), value: cycles(plan.cost.cycles), parts: [[plan.cost.cycles, plan === best ? "noc" : "busy", `${exact(plan.cost.cycles)} cycles for ${plan.cost.blocks} blocks\nbound by ${plan.cost.bound}`]],
      })), d3.max(legal, (plan) => plan.cost.cycles))),
      make("div", {}, make("h3", {textContent: "Cycles from block to block"}), bars("Cycles from block to block", legal.map((plan) => ({
        name: name(plan), value: cycles(plan.cost.interval), parts: [[plan.cost.interval, plan === best ? "noc" : "busy", `${exact(plan.cost.interval)} cycles from block to block\n${exact(plan.cost.cycles)} cycles for ${plan.cost.blocks} blocks\nbound by ${plan.cost.bound}`]],
      })), top)),
      ...costs.map(([key, colour]) => make("div", {}, make("h3", {textContent: `Cycles a block: ${key}`}), bars(`Cycles of ${key}`, legal.map((plan) => ({
        name: name(plan), value: exact(Math.round(plan.cost[key])), parts: [[plan.cost[key], colour, `${exact(plan.cost[key])} cycles of ${key} a block`]],
      })), d3.max(legal, (plan) => plan.cost[key]) || 1)))),
    table("Table", ["strategy", "fits", "slots", "capacity", "sections", "tiles a section", "unpacked", "packed", "CB bytes", "cycles a block", "bound", "error", "why not"], () => plans.map((plan) =>
      [plan.strategy, plan.fits ? "yes" : "no", slots(plan), plan.machine.capacity, plan.sections, plan.tiles_per_section, plan.cost && plan.cost.unpacked_tiles, plan.cost && plan.cost.packed_tiles, plan.cb_bytes, plan.cost && plan.cost.interval, plan.cost && plan.cost.bound, plan.error && plan.error.bound, plan.refusal ? plan.refusal.reason : null])));
}

/** The picture of one strategy at a time. */
function drawSlots(plans, asked) {
  const pictured = plans.filter((plan) => (plan.stages || []).length > 0);
  if (pictured.length === 0) return;
  const box = make("div");
  const buttons = pictured.map((plan) => make("button", {type: "button", value: plan.strategy, textContent: plan.strategy}));
  const show = (plan) => {
    buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.value === plan.strategy)));
    box.replaceChildren(...planPictures("", plan));
  };
  buttons.forEach((button, i) => { button.onclick = () => show(pictured[i]); });
  section("plan", "Slots over steps", slotsNote, make("div", {className: "tools"}, buttons), box);
  show(pictured.includes(asked) ? asked : pictured[0]);
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

// SPDX-License-Identifier: Apache-2.0
// The head of the page: what ran, whether it is right, how long it took, and what bounds it.

function verdict() {
  const verify = report.verify;
  if (data.kind !== "run") return null;
  if (report.error) return ["bad", "did not end: " + report.error];
  if (verify && verify.passed !== undefined) return verify.passed ? ["good", "verified"] : ["bad", "verification failed"];
  return ["warn", report.config && report.config.dry_run ? "dry run: no numbers" : "not verified"];
}

function drawHead() {
  const theme = make("button", {type: "button", id: "theme", "aria-label": "Light or dark"});
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  const apply = () => {
    const now = chosen || (dark.matches ? "dark" : "light");
    document.documentElement.dataset.theme = now;
    document.documentElement.style.colorScheme = now;
    theme.textContent = now === "dark" ? "Light" : "Dark";
    redraws.forEach((draw) => draw());
  };
  theme.onclick = () => {
    chosen = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    apply();
  };
  dark.addEventListener("change", apply);
  apply();
  const ended = verdict();
  document.title = `${data.title} - tilegrid`;
  document.getElementById("top").append(
    make("div", {className: "row"}, make("h1", {textContent: data.title}),
         ended ? make("span", {className: "pill " + ended[0], textContent: ended[1]}) : null, make("span", {className: "grow"}), theme),
    make("dl", {className: "facts"}, (data.facts || []).map(([name, text]) => [make("dt", {textContent: name}), make("dd", {textContent: text})]).flat()));
}

/** A number's unit stands smaller behind it. */
function figureWithUnit(text) {
  const parts = /^([0-9][0-9.,]*) (\S+)$/.exec(text);
  return parts ? make("div", {className: "figure"}, parts[1] + " ", make("small", {textContent: parts[2]})) : make("div", {className: "figure", textContent: text});
}
function tile(what, figure, more) {
  return make("div", {className: "tile"}, make("div", {className: "what", textContent: what}),
              figureWithUnit(figure), make("div", {className: "more", textContent: more || ""}));
}

function verificationTile() {
  const verify = report.verify;
  if (!verify || verify.passed === undefined) return tile("Verification", "none", report.config.dry_run ? "a dry run has no numbers" : "--verify off");
  const word = verify.passed ? "passed" : "failed";
  if (verify.correlation !== undefined) {
    return tile("Verification", word, `correlation ${verify.correlation.toFixed(7)}, relative L2 ${verify.relative_l2.toExponential(2)}`);
  }
  if (verify.outputs) return tile("Verification", word, verify.outputs.map((one) => `${one.name}: ${grouped(one.elements)} elements`).join(", "));
  return tile("Verification", word, verify.relative_l2 !== undefined ? `relative L2 ${verify.relative_l2.toExponential(2)}` : "");
}

function drawHeadline() {
  const device = report.device, host = report.host;
  const tiles = make("div", {className: "tiles"});
  const box = section("headline", device ? "Device time, and what bounds it" : "The run", "");
  if (device) {
    tiles.append(tile("Device time", duration(device.seconds), cycles(device.cycles)),
                 tile("Compute", `${+device.tflops.toPrecision(3)} TFLOP/s`, `${share(device.peak_share)} of the peak at the fidelity used`),
                 tile("Bound by", device.bound.by, `${share(device.bound.share)} of the time, a margin of ${share(device.bound.margin)}`),
                 tile("DRAM", `${(device.dram.bytes_per_second / 1e9).toPrecision(4)} GB/s`, `banks busy ${share(device.dram.utilisation.mean)}`));
  }
  if (data.kind === "run") {
    const checks = report.checks || [];
    tiles.append(verificationTile(), tile("Findings", checks.length === 0 ? "none" : String(checks.length), `${(report.warnings || []).length} warnings; ambiguous waits ${report.totals.ambiguous_waits}`));
  }
  if (host) tiles.append(tile("Host", duration(host.launch_seconds), `${host.ranks.length} rank${host.ranks.length === 1 ? "" : "s"}, ${duration(host.total_seconds)} in all`));
  box.append(tiles);
  if (!device) {
    box.append(make("p", {className: "note", textContent: "Without device time (--no-device-time) there are counts alone."}));
    return;
  }
  const limits = Object.entries(device.bound.limits);
  const whole = Math.max(device.cycles, ...limits.map((limit) => limit[1]));
  box.append(make("h3", {textContent: "What could bound the run"}),
             make("p", {className: "note", textContent: "Cycles that each takes of the run's: a compute lane's busy cycles, what reader and writer need of the network, the time from the mean core's end to the last one's, and the launch."}),
             bars("What could bound the run", limits.map(([name, value], i) => ({
               name, value: share(value, device.cycles),
               parts: [[value, i === 0 ? "dram" : "busy", `${exact(value)} cycles, ${share(value, device.cycles)} of the run`]],
             })), whole),
             table("Table", ["limit", "cycles", "share of the run"], () => limits.map(([name, value]) => [name, value, share(value, device.cycles)])));
  if (device.launches.length > 1) box.append(launchTable(device));
}

function launchTable(device) {
  const rows = device.launches.map((launch) => ({
    name: launch.name, value: duration(launch.seconds),
    parts: [[launch.cycles, "busy", `${exact(launch.cycles)} cycles, ${share(launch.cycles, device.cycles)} of the run\nbound by ${launch.bound.by} ${share(launch.bound.share)}`]],
  }));
  return make("div", {}, make("h3", {textContent: "Launches, one after the other"}), bars("Launches", rows, device.cycles),
              table("Table", ["launch", "cycles", "seconds", "bound by", "share", "tile products", "events"],
                    () => device.launches.map((one) => [one.name, one.cycles, one.seconds, one.bound.by, share(one.bound.share), one.matmul_tiles, one.events])));
}

/** What lanes did with the time, one bar a lane. */
function laneBars(label, of, whole) {
  const rows = lanes.filter((lane) => of[lane]).map((lane) => {
    const one = of[lane];
    const parts = [[one.busy, "busy", `busy: ${exact(one.busy)} cycles, ${share(one.busy, whole)}`]];
    for (const [reason, value] of Object.entries(one.stalled)) {
      parts.push([value, reason, `waits, ${stalls[reason] || reason}: ${exact(value)} cycles, ${share(value, whole)}`]);
    }
    parts.push([whole - one.end, "ended", `ended: ${exact(whole - one.end)} cycles, ${share(whole - one.end, whole)}`]);
    return {name: lane, value: share(one.busy, whole) + " busy", parts};
  });
  return bars(label, rows, whole);
}
function stallKeys() {
  const seen = Object.keys(stalls).filter((reason) => lanes.some((lane) => report.device.lanes[lane].stalled[reason] > 0));
  return keys([["busy", "busy"], ...seen.map((reason) => [reason, stalls[reason]]), ["ended", "ended"]]);
}

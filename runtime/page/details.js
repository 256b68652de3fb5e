// SPDX-License-Identifier: Apache-2.0
// Findings and warnings, the host's cost, all counts, how the run was asked for, and the licence of the library.

function drawFindings() {
  const checks = report.checks || [], warnings = report.warnings || [];
  const box = section("findings", "Findings and warnings", "");
  if (checks.length + warnings.length === 0) box.append(make("p", {className: "soft", textContent: "None: no check has found anything, and the run relies on no known fault of silicon."}));
  for (const one of checks) {
    const where = one.file ? `${one.file}:${one.line}` : "";
    box.append(make("div", {className: `finding ${one.severity}`},
      make("strong", {textContent: `${one.class}${one.count > 1 ? `, ${grouped(one.count)} times` : ""}`}),
      make("div", {textContent: one.message}),
      make("div", {className: "soft", textContent: [where && `${where}${one.kernel ? ` in ${one.kernel}` : ""}${one.risc ? ` on ${one.risc}` : ""}`, one.cores.length > 0 ? `cores ${one.cores.slice(0, 8).map((core) => `(${core.join(",")})`).join(" ")}${one.cores.length > 8 ? ` and ${one.cores.length - 8} more` : ""}` : ""].filter(Boolean).join("; ")})));
  }
  for (const one of warnings) {
    box.append(make("div", {className: "finding"}, make("strong", {textContent: `${one.id}: ${one.message}`}),
                    make("div", {className: "soft", textContent: `on ${one.chip}; ${one.advice} (${one.source})`})));
  }
  if (checks.length > 0) {
    box.append(table("Table", ["class", "severity", "count", "where", "kernel", "RISC", "cores", "message"], () => checks.map((one) =>
      [one.class, one.severity, one.count, one.file ? `${one.file}:${one.line}` : null, one.kernel, one.risc, one.cores.map((core) => `(${core.join(",")})`).join(" "), one.message])));
  }
}

function drawHost() {
  const host = report.host;
  if (!host) return;
  const waits = Object.entries(host.blocked).flatMap(([risc, reasons]) => Object.entries(reasons).map(([reason, one]) => [risc, reason, one.seconds, one.count]));
  const whole = d3.max(host.ranks, (rank) => rank.kernel_seconds + rank.serving_seconds + rank.waiting_seconds) || 1;
  const rows = host.ranks.map((rank) => ({
    name: `rank ${rank.rank}`, value: duration(rank.wall_seconds),
    parts: [["kernel_seconds", "busy", "in kernels"], ["serving_seconds", "noc", "serving others"], ["waiting_seconds", "launch", "waiting"]]
      .map(([key, colour, word]) => [rank[key], colour, `${word}: ${duration(rank[key])}\n${grouped(rank.mpi_messages)} MPI messages, ${bytes(rank.mpi_bytes)} sent\n${bytes(rank.resident_bytes)} resident`]),
  }));
  const chart = bars("Host's cost by rank", rows, whole);
  if (rows.length > 16) chart.classList.add("many");
  const many = make("div", {}, chart);
  if (rows.length > 16) many.setAttribute("style", "max-height:26rem;overflow:auto");
  section("host", "The host's cost by rank", "Seconds of this machine, not of the device: what each rank spent in kernels, in serving others, and waiting. They differ from run to run.",
          make("div", {className: "tiles"}, tile("Launch", duration(host.launch_seconds), `start to end ${duration(host.total_seconds)}`),
               tile("MPI", grouped(host.mpi_messages) + " messages", bytes(host.mpi_bytes)), tile("Copied within hosts", bytes(host.shared_bytes), ""),
               tile("Largest process", bytes(host.resident_bytes), "resident"),
               host.verify_seconds === null ? null : tile("Verification", duration(host.verify_seconds), "")),
          many, keys([["busy", "in kernels"], ["noc", "serving others"], ["launch", "waiting"]]),
          table("Table of ranks", Object.keys(host.ranks[0] || {}).map((key) => key.replaceAll("_", " ")), () => host.ranks.map((rank) => Object.values(rank))),
          waits.length === 0 ? null : table("What fibers waited for", ["RISC", "reason", "seconds, all cores", "times"], () => waits));
}

function drawCounts() {
  const totals = report.totals;
  if (!totals) return;
  const tiles = Object.entries(totals.tiles).filter((one) => one[1].total > 0);
  const box = section("counts", "Counts", "What kernels did, whatever the time: the same on any number of ranks.",
    make("div", {className: "table"}, filled(["tiles", "total", "least a core", "mean", "most a core"],
      [...tiles.map(([name, one]) => [name, one.total, one.min, one.mean, one.max]), ["DST sections", totals.dst.sections.total, totals.dst.sections.min, totals.dst.sections.mean, totals.dst.sections.max]])),
    make("p", {className: "soft", textContent: `DST peak ${totals.dst.peak_slots} of ${totals.dst.capacity} slots; L1 used ${grouped(totals.l1_used_bytes)} of ${grouped(totals.l1_bytes)} bytes (${share(totals.l1_used_bytes, totals.l1_bytes)}); ambiguous waits ${totals.ambiguous_waits}`}),
    table("Circular buffers", ["id", "role", "format", "pages", "page bytes", "most at once", "pushed"], () => totals.cbs.map((cb) => [cb.id, cb.role, cb.format, cb.pages, cb.page_bytes, cb.high_water_pages, cb.pushed_pages])),
    table("NoC transfers", ["NoC", "kind", "transactions", "bytes", "hops", "bytes times hops"], () => totals.noc.map((one) => [one.noc, one.kind, one.transactions, one.bytes, one.hops, one.byte_hops])));
  if (report.config) {
    box.append(table("How it was asked for", ["flag", "value"], () => Object.entries(report.config).map(([key, value]) => [key, value === null ? "-" : typeof value === "object" ? JSON.stringify(value) : String(value)])));
  }
  for (const [title, text] of [["Plan", data.plan], ["Details", data.details], ["More", data.appendix]]) {
    if (text && text.trim()) box.append(make("details", {}, make("summary", {textContent: title}), make("pre", {textContent: text.trim()})));
  }
}

function drawFoot() {
  document.getElementById("bottom").append(
    make("p", {textContent: `tilegrid ${report.version || ""}, revision ${report.revision || "unknown"}. All that is here is in report.json beside this page.`}),
    make("details", {}, make("summary", {textContent: `Charts are drawn with D3 ${d3.version}; its licence`}), make("pre", {textContent: document.getElementById("licence").textContent.trim()})));
}

// SPDX-License-Identifier: Apache-2.0
// The timeline's data: lists of whole numbers as text, five bits a character, the lowest first; 32 says that more follow.

const digits = new Map([..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"].map((letter, i) => [letter, i]));
function numbers(text) {
  const list = [];
  let value = 0, factor = 1;
  for (const letter of text) {
    const digit = digits.get(letter);
    value += (digit & 31) * factor;
    factor *= 32;
    if (digit < 32) {
      list.push(value);
      value = 0;
      factor = 1;
    }
  }
  return list;
}

/** Rows of a core's timeline: name, what it is, its spans {begin, end, ...} in order, or steps {begin, level}. */
const decoded = new Map();
function rowsOf(core) {
  if (decoded.has(core)) return decoded.get(core);
  const one = data.timeline.cores.find((other) => other.core === core);
  if (!one) return null;
  const rows = one.lanes.map((text, i) => ({name: lanes[i], kind: "lane", spans: laneSpans(text)}));
  for (const [lane, text] of one.zones || []) rows.push({name: `${lanes[lane]} zones`, kind: "lane", spans: laneSpans(text)});
  one.dst.forEach((text, half) => rows.push({name: one.dst.length > 1 ? `DST half ${half}` : "DST", kind: "dst", spans: sectionSpans(text)}));
  for (const [id, text] of one.cbs) {
    const cb = report.cores[core].cbs.find((other) => other.id === id) || {role: ""};
    const spans = levels(text);  // a log does not say how many pages there are
    rows.push({name: `CB ${id} ${cb.role}`, kind: "cb", pages: cb.pages || d3.max(spans, (span) => span.level) || 1, spans});
  }
  const result = {rows, resolution: one.resolution};
  decoded.set(core, result);
  return result;
}
function laneSpans(text) {
  const list = numbers(text), spans = [];
  let time = 0;
  for (let i = 0; i + 2 < list.length; i += 3) {
    const begin = time + list[i];
    time = begin + list[i + 1];
    spans.push({begin, end: time, what: data.timeline.kinds[list[i + 2] >> 1], mixed: (list[i + 2] & 1) === 1});
  }
  return spans;
}
function sectionSpans(text) {
  const list = numbers(text), spans = [];
  let time = 0;
  for (let i = 0; i + 3 < list.length; i += 4) {
    const begin = time + list[i], committed = begin + list[i + 1], packing = committed + list[i + 2];
    time = packing + list[i + 3];
    spans.push({begin, committed, packing, end: time});
  }
  return spans;
}
function levels(text) {
  const list = numbers(text), spans = [];
  let time = 0;
  for (let i = 0; i + 1 < list.length; i += 2) {
    time += list[i];
    if (spans.length > 0) spans[spans.length - 1].end = time;
    spans.push({begin: time, end: data.timeline.cycles, level: list[i + 1]});
  }
  return spans;
}
const spanAt = d3.bisector((span) => span.end).right;
/** The span of a row that covers a time, or undefined. */
function covering(row, time) {
  const span = row.spans[spanAt(row.spans, time)];
  return span && span.begin <= time ? span : undefined;
}

function spanText(row, span) {
  const times = `${grouped(span.begin)} to ${grouped(span.end)}, ${cycles(span.end - span.begin)}`;
  if (row.kind === "cb") return `${row.name}\n${span.level} of ${row.pages} pages\n${times}`;
  if (row.kind === "dst") return `${row.name}: a section, ${times}\nmath ${cycles(span.committed - span.begin)}, waits for pack ${cycles(span.packing - span.committed)}, pack ${cycles(span.end - span.packing)}`;
  const what = span.what;
  const word = what.stall ? `waits, ${stalls[what.stall]}` : what.operation + (what.phase ? ` in phase ${what.phase}` : "");
  return `${row.name} ${word}${span.mixed ? " and shorter ones" : ""}\n${times}`;
}

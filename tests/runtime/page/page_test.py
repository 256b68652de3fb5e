#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Usage: page_test.py TILEGRID

Opens pages of --report in a headless browser: they draw themselves without a complaint and without asking for anything, switch
measure, theme and core, zoom, tell figures to pointer and keys, and fit a phone. Where there is no browser the files alone are
looked at, and the exit code is 77: skipped.
"""

import json
import os
import re
import subprocess
import sys
import tempfile

import browser

LARGEST = 3 << 20
RUNS = {
    'attention': 'attention --grid 4x2 --heads 4 --kv-heads 1 --seq 512 --causal --kv chain',
    'planned': 'attention --grid 2x2 --seq 128 --kernel planned',
    'matmul': 'matmul --grid 2x2 --m 64 --k 96 --n 100',
    'fused': 'fused --grid 2x2 --preset six-op',
    'dry': 'attention --grid 2x2 --seq 256 --kernel unfused --dry-run',
    'counts': 'attention --grid 2x1 --seq 64 --no-device-time --verify off',
    'faults': 'attention --grid 2x2 --seq 64 --fidelity hifi4 --dst fp32 --log {folder}/run.log',
    'kv': 'compare-kv --grid 2x2 --heads 4 --kv-heads 1 --seq 128 --causal',
    'kv_shapes': 'compare-kv --grid 2x2 --heads 2,4 --seq 128,256',
    'partitions': 'compare-partitions --grid 2x2 --heads 3 --seq 64 --causal --kv multicast-row --dry-run',
    'kernels': 'attention --grid 2x2 --heads 2 --seq 64 --compare-kernels',
    'sweep': 'sweep attention --grid 2x3 --seq 512 --dim 256 --q-chunk 64,512 --k-chunk 64,512',
    'precision': 'precision attention --grid 2x2 --heads 1 --seq 32 --lengths 64,128 --format bf16 --exp fast',
    'plan': 'plan --preset six-op --strategy all',
    'none': 'sweep attention --grid 2x2 --seq 512 --dim 256 --q-chunk 512 --k-chunk 512',
    'refused': 'plan --preset six-op --strategy naive',
    'retime': 'retime {folder}/run.log',
    'retimed': 'retime {folder}/run.log --set noc_hop_cycles=90',
}
CODES = {'none': 2, 'refused': 2}  # of those that have a page, and fail
SECTIONS = {
    'attention': ['headline', 'grid', 'timeline', 'network', 'breakdown', 'roofline', 'findings', 'host', 'counts'],
    'planned': ['headline', 'plan'],
    'fused': ['headline', 'plan', 'roofline'],
    'counts': ['headline', 'grid', 'host', 'counts'],
    'kv': ['best', 'differs', 'figures', 'table', 'text'],
    'kv_shapes': ['best', 'differs', 'figures'],
    'partitions': ['best', 'differs', 'refused', 'figures'],
    'kernels': ['best', 'differs', 'refused', 'figures'],
    'sweep': ['best', 'differs', 'refused', 'figures'],
    'precision': ['best', 'differs', 'scatter', 'lines', 'figures'],
    'plan': ['verdict', 'strategies', 'plan', 'text'],
    'none': ['best', 'refused', 'text'],
    'refused': ['verdict', 'strategies', 'plan'],
    'retime': ['headline', 'grid', 'timeline', 'network', 'breakdown', 'text'],
    'retimed': ['headline', 'before', 'grid', 'timeline'],
}
failures = []


def expect(what, holds):
    if not holds:
        failures.append(what)


def figures(path):
    """The device's part of a report's JSON, which nothing may change."""
    with open(path, encoding='utf-8') as file:
        report = json.load(file)
    if report.get('device'):
        del report['device']['replay_seconds']
    return {key: report.get(key) for key in ('device', 'totals', 'verify')}


def write_pages(tilegrid, folder):
    for name, line in RUNS.items():
        page = f'{folder}/{name}'
        command = [tilegrid, *line.format(folder=folder).split(), '--json', f'{page}.json', '--report', page]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode != CODES.get(name, 0):
            sys.exit(f'{name}: exit code {done.returncode}: {done.stderr}')
        expect(f'{name}: index.html is larger than {LARGEST} bytes', os.path.getsize(f'{page}/index.html') < LARGEST)
        with open(f'{page}/report.json', encoding='utf-8') as file:
            data = json.load(file)
        with open(f'{page}.json', encoding='utf-8') as file:
            # A page of a log has the cores' places beside them.
            expect(f'{name}: report.json has other figures than --json', data['report'] == {**data['report'], **json.load(file)})
    subprocess.run([tilegrid, *RUNS['attention'].split(), '--json', f'{folder}/without.json'], check=True, capture_output=True)
    expect('--report changes figures', figures(f'{folder}/without.json') == figures(f'{folder}/attention.json'))


def look(tab, name, page):
    """What holds for every page."""
    tab.complaints.clear()
    tab.requests.clear()
    tab.open(page)
    expect(f'{name}: not drawn to its end', tab.run('document.documentElement.dataset.drawn !== undefined'))
    for section in SECTIONS.get(name, ['headline']):
        expect(f'{name}: no section {section}', tab.run(f'document.querySelector("section#{section}") !== null'))
    # Every table opens, and has rows.
    empty = tab.run('''Promise.resolve([...document.querySelectorAll("main details")].map((one) => (one.open = true, one)))
        .then((all) => new Promise((done) => setTimeout(() => done(all.filter((one) => one.querySelector("tbody") && !one.querySelector("tbody tr, pre"))
            .map((one) => one.textContent.slice(0, 40))), 50)))''')
    expect(f'{name}: tables without rows: {empty}', empty == [])
    expect(f'{name}: a figure that is none: {tab.run(NO_FIGURE)}', not tab.run(NO_FIGURE))
    tab.open(page, 390, 800)
    wide = tab.run('document.documentElement.scrollWidth')
    expect(f'{name}: {wide} pixels wide on a phone of 390', wide <= 390)
    expect(f'{name}: {tab.complaints}', not tab.complaints)
    expect(f'{name}: asks for {tab.requests}', all(one == 'file://' + page for one in tab.requests))


NO_FIGURE = '(document.body.innerText.match(/.*(NaN|undefined|\\[object).*/) || [""])[0]'
CELLS = '[...document.querySelectorAll(".cell")].map((cell) => cell.textContent + cell.style.background).join()'


def switches(tab, page):
    tab.open(page)
    before = tab.run(CELLS)
    tab.run('document.querySelector("#grid button[value]:not([aria-pressed=true])").click()')
    expect('a button does not switch the measure', tab.run(CELLS) != before)
    count = tab.run('document.querySelector("#measure").options.length')
    expect(f'{count} measures alone', count > 40)
    shown = tab.run('''(() => { const select = document.querySelector("#measure"), seen = new Set();
        for (const option of select.options) { select.value = option.value; select.onchange(); seen.add(document.querySelector(".cell").ariaLabel); }
        return seen.size; })()''')
    expect(f'{shown} pictures of {count} measures', shown == count)
    light = tab.run('getComputedStyle(document.body).backgroundColor')
    tab.run('document.querySelector("#theme").click()')
    dark = tab.run('getComputedStyle(document.body).backgroundColor')
    expect(f'the theme does not switch: {light}', light != dark)
    tab.open(page, dark=True)
    expect('the system\'s dark theme is not taken', tab.run('getComputedStyle(document.body).backgroundColor') == dark)
    phases = tab.run('document.querySelector("#breakdown .bars").innerText')
    tab.run('document.querySelector("#breakdown button[value=operations]").click()')
    expect('operations are phases', tab.run('document.querySelector("#breakdown .bars").innerText') != phases)


def tells(tab, page):
    """By the pointer, and by keys."""
    tab.open(page)
    box = tab.run('(() => { const cell = document.querySelectorAll(".cell")[5]; cell.scrollIntoView({block: "center", behavior: "instant"}); const b = cell.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; })()')
    tab.mouse('mouseMoved', *box)
    expect('the pointer shows no figure', re.search(r'core \(1,1\).*\n.*[0-9] %', tab.run('document.querySelector("#tip").textContent')))
    tab.run('document.querySelector(".cell").focus()')
    tab.key('ArrowRight')
    tab.key('ArrowDown')
    expect('arrows do not go through the cores', tab.run('document.activeElement.ariaLabel').startswith('core (1,1)'))
    tab.key('Enter')
    expect('Enter does not choose the core', tab.run('document.querySelector("#core h3").textContent').startswith('Core (1,1)'))
    for chart in ('#headline .bars', '#network .pair > div', '#breakdown .bars', '#roofline [role=group]', '#host .bars'):
        tab.run(f'(() => {{ const chart = document.querySelector("{chart}"); chart.focus(); }})()')
        tab.key('ArrowRight')
        told = tab.run('document.querySelector("#tip").hidden ? "" : document.querySelector("#tip").textContent')
        expect(f'{chart}: keys tell {told!r}', re.search('[0-9]', told))
        tab.key('Escape')


def zooms(tab, page):
    """The timeline, by wheel and keys, and the networks' moment."""
    tab.open(page)
    where = 'document.querySelector("#timeline .tools > .soft").textContent'
    whole = tab.run(where)
    rows = tab.run('(() => { const d = document.querySelector("#timeline details"); d.open = true; return new Promise((done) => setTimeout(() => done(new Set([...d.querySelectorAll("tbody tr")].map((row) => row.cells[0].textContent)).size), 50)); })()')
    expect(f'the timeline has {rows} rows with spans', rows >= 5)
    x, y = tab.run('(() => { const c = document.querySelector("canvas"); c.scrollIntoView({block: "center", behavior: "instant"}); const b = c.getBoundingClientRect(); return [b.x + b.width / 2, b.y + 85]; })()')
    tab.mouse('mouseWheel', x, y, deltaX=0, deltaY=-400)
    zoomed = tab.run(f'new Promise((done) => setTimeout(() => done({where}), 100))')
    expect(f'the wheel does not zoom: {zoomed}', zoomed != whole)
    tab.run('document.querySelector("canvas").focus({preventScroll: true})')
    for key in ('ArrowRight', '+', '-', 'ArrowDown'):
        before = tab.run(where + ' + document.querySelector("canvas").toDataURL()')
        tab.key(key)
        expect(f'{key} does nothing in the timeline', tab.run(where + ' + document.querySelector("canvas").toDataURL()') != before)
    tab.key('n')
    expect('n tells no span', re.search('[0-9]+ cycles', tab.run('document.querySelector("#tip").textContent')))
    tab.key('Home')
    expect('Home does not show the whole run', tab.run(where) == whole)
    picture = tab.run('document.querySelector("canvas").toDataURL()')
    tab.run('(() => { const s = document.querySelector("#timeline-core"); s.value = s.options[0].value; s.onchange(); })()')
    expect('another core has the same timeline', tab.run('document.querySelector("canvas").toDataURL()') != picture)
    colours = '[...document.querySelectorAll("#network line")].map((one) => one.getAttribute("stroke")).join()'
    before = tab.run(colours)
    tab.run('(() => { const s = document.querySelector("#moment"); s.value = 20; s.oninput(); })()')
    expect('links have one load all the time', tab.run(colours) != before)


def compares(tab, folder):
    """Rows side by side: the best is marked, charts have an order, refusals their reasons."""
    bars = '[...document.querySelectorAll("#figures .compared:first-child .bars .name")].map((one) => one.textContent)'
    tab.open(f'{folder}/kv/index.html')
    with open(f'{folder}/kv/report.json', encoding='utf-8') as file:
        rows = json.load(file)['report']['rows']
    best = min(rows, key=lambda row: row['device']['cycles'])
    stars = [name for name in tab.run(bars) if '\u2605' in name]
    expect(f'{stars} are marked, {best["delivery"]} is quickest', stars == [f'\u2605 {best["delivery"]} {best["balance"]}'])
    before = tab.run(bars)
    tab.run('(() => { const order = document.querySelector("#order"); order.value = "device/seconds"; order.onchange(); })()')
    after = tab.run(bars)
    expect(f'by device time {after} are in order', sorted(after) == sorted(before) and after[0].startswith('\u2605'))
    tab.run('document.querySelector("#figures .bars").focus()')
    tab.key('ArrowRight')
    told = tab.run('document.querySelector("#tip").textContent')
    expect(f'keys tell {told!r} of a row', re.search(r'[0-9] .s \(.* s\)', told))
    tab.open(f'{folder}/kv_shapes/index.html')
    before = tab.run('document.querySelector("#figures").innerText')
    tab.run('(() => { const group = document.querySelector("#group"); group.value = group.options[3].value; group.onchange(); })()')
    expect('another shape has the same bars', tab.run('document.querySelector("#figures").innerText') != before)
    tab.open(f'{folder}/partitions/index.html')
    expect('a refusal has no reason', 'nobody shares' in tab.run('document.querySelector("#refused").innerText'))
    tab.open(f'{folder}/precision/index.html')
    tab.run('document.querySelector("#scatter [role=group]").focus()')
    tab.key('End')
    expect('the scatter tells nothing', 'Relative L2' in tab.run('document.querySelector("#tip").textContent'))
    tab.open(f'{folder}/plan/index.html')
    slots = 'document.querySelectorAll("#plan svg rect").length + document.querySelector("#plan h3").textContent'
    before = tab.run(slots)
    tab.run('document.querySelector("#plan button[value=grid]").click()')
    expect('another strategy has the same slots', tab.run(slots) != before)
    tab.open(f'{folder}/retimed/index.html')
    expect('before and after are the same', re.search('[0-9] times more time', tab.run('document.querySelector("#before").innerText')))


def main():
    (tilegrid,) = sys.argv[1:]
    program = browser.where()
    with tempfile.TemporaryDirectory() as folder:
        write_pages(tilegrid, folder)
        if program:
            with browser.Browser(program) as tab:
                for name in RUNS:
                    look(tab, name, f'{folder}/{name}/index.html')
                switches(tab, f'{folder}/attention/index.html')
                tells(tab, f'{folder}/attention/index.html')
                zooms(tab, f'{folder}/attention/index.html')
                compares(tab, folder)
    print('\n'.join(failures) or f'{len(RUNS)} pages are right')
    if failures:
        return 1
    if not program:
        print('skipped: no Chromium here (scripts/setup chromium), so the pages were not looked at')
        return 77
    return 0


if __name__ == '__main__':
    sys.exit(main())

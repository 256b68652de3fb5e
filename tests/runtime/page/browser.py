# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium, spoken to over a pipe: no driver, no port, nothing but the standard library."""

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

OPTIONS = [
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage', '--hide-scrollbars', '--remote-debugging-pipe',
]


def where():
    """The browser's program, None where there is none."""
    return shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome')


class Browser(contextlib.AbstractContextManager):
    """One tab. `complaints` are errors of the page and of the console, `requests` what it has asked for beside the file."""

    def __init__(self, program, patience=120):
        self.patience = patience
        self.complaints, self.requests = [], []
        self.profile = tempfile.mkdtemp(prefix='tilegrid-browser.')
        to_browser, self.write_end = os.pipe()
        self.read_end, from_browser = os.pipe()
        # The browser reads from descriptor 3 and writes to 4.
        command = ['bash', '-c', f'exec "$@" 3<&{to_browser} 4>&{from_browser}', 'browser', program, *OPTIONS,
                   f'--user-data-dir={self.profile}', 'about:blank']
        self.process = subprocess.Popen(command, pass_fds=(to_browser, from_browser), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.number, self.rest, self.session = 0, b'', None
        target = next(one for one in self.ask('Target.getTargets')['targetInfos'] if one['type'] == 'page')
        self.session = self.ask('Target.attachToTarget', targetId=target['targetId'], flatten=True)['sessionId']
        for domain in ('Page', 'Runtime', 'Log', 'Network'):
            self.ask(f'{domain}.enable')

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            os.close(self.write_end)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.read_end)
        shutil.rmtree(self.profile, ignore_errors=True)

    def message(self):
        """The next message; events of interest are kept."""
        until = time.monotonic() + self.patience
        while b'\0' not in self.rest:
            if not select.select([self.read_end], [], [], max(0, until - time.monotonic()))[0]:
                raise TimeoutError('the browser does not answer')
            more = os.read(self.read_end, 1 << 20)
            if not more:
                raise EOFError('the browser has ended')
            self.rest += more
        text, _, self.rest = self.rest.partition(b'\0')
        message = json.loads(text)
        method, given = message.get('method'), message.get('params', {})
        if method == 'Runtime.exceptionThrown':
            detail = given['exceptionDetails']
            self.complaints.append(detail.get('exception', {}).get('description') or detail['text'])
        elif method == 'Runtime.consoleAPICalled' and given['type'] in ('error', 'warning', 'assert'):
            self.complaints.append(str(given['args']))
        elif method == 'Log.entryAdded' and given['entry']['level'] in ('error', 'warning'):
            self.complaints.append(given['entry']['text'])
        elif method == 'Network.requestWillBeSent' and not given['request']['url'].startswith('data:'):
            self.requests.append(given['request']['url'])
        return message

    def ask(self, method, **given):
        self.number += 1
        request = {'id': self.number, 'method': method, 'params': given}
        if self.session:
            request['sessionId'] = self.session
        os.write(self.write_end, json.dumps(request).encode() + b'\0')
        while True:
            message = self.message()
            if message.get('id') == self.number:
                if 'error' in message:
                    raise RuntimeError(f'{method}: {message["error"]["message"]}')
                return message['result']

    def open(self, path, width=1280, height=900, dark=False):
        """Opens a file and waits until it is loaded."""
        self.ask('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.ask('Emulation.setEmulatedMedia', features=[{'name': 'prefers-color-scheme', 'value': 'dark' if dark else 'light'}])
        self.ask('Page.navigate', url='file://' + os.path.abspath(path))
        until = time.monotonic() + self.patience
        while self.run('document.readyState') != 'complete' or self.run('location.href') == 'about:blank':
            if time.monotonic() > until:
                raise TimeoutError(f'{path} does not load')
            time.sleep(0.05)

    def run(self, script):
        """Value of a JavaScript expression."""
        answer = self.ask('Runtime.evaluate', expression=script, returnByValue=True, awaitPromise=True)
        if 'exceptionDetails' in answer:
            raise RuntimeError(f'{script}: {answer["exceptionDetails"].get("exception", {}).get("description")}')
        return answer['result'].get('value')

    def key(self, name):
        given = {'key': name, 'code': name}
        if name == 'Enter':
            given.update(windowsVirtualKeyCode=13, text='\r')
        elif len(name) == 1:
            given['text'] = name
        self.ask('Input.dispatchKeyEvent', type='keyDown', **given)
        self.ask('Input.dispatchKeyEvent', type='keyUp', key=name, code=name)

    def mouse(self, kind, x, y, **given):
        """Of the kinds of Input.dispatchMouseEvent: mouseMoved, mousePressed, mouseReleased, mouseWheel."""
        self.ask('Input.dispatchMouseEvent', type=kind, x=x, y=y, **given)

    def picture(self, path, whole=True):
        answer = self.ask('Page.captureScreenshot', format='png', captureBeyondViewport=whole)
        with open(path, 'wb') as file:
            file.write(base64.b64decode(answer['data']))

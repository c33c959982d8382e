"""Opens a page in a browser without a screen, runs a script in it, prints what the script says.

    python browser.py PAGE SCRIPT [PICTURE]

Needs PySide6 with its web engine. The script ends with ``done(VALUE)``; what it prints here is a
line of JSON: ``value``, ``console`` (what the page's own script complained of), ``requests`` (what
it wanted from a network). PICTURE is a PNG of the page as it is then.
"""

import json
import os
import pathlib
import sys

os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["QTWEBENGINE_CHROMIUM_FLAGS"] = (
    "--no-sandbox --ignore-gpu-blocklist --use-gl=angle --enable-unsafe-swiftshader"
)

from PySide6.QtCore import QTimer, QUrl
from PySide6.QtWebEngineCore import QWebEnginePage, QWebEngineUrlRequestInterceptor
from PySide6.QtWebEngineWidgets import QWebEngineView
from PySide6.QtWidgets import QApplication

SIZE = 1400, 1000
SECONDS = 60
DONE = "browser.py: "


class Requests(QWebEngineUrlRequestInterceptor):
    """Notes what leaves the machine."""

    def __init__(self):
        super().__init__()
        self.found = []

    def interceptRequest(self, info):
        if info.requestUrl().scheme() not in ("file", "data", "blob", "about"):
            self.found.append(info.requestUrl().toString())


class Page(QWebEnginePage):
    """A page that hears its console."""

    def __init__(self, view, ended):
        super().__init__(view)
        self.console, self.ended = [], ended

    def javaScriptConsoleMessage(self, level, message, line, source):
        if message.startswith(DONE):
            self.ended(json.loads(message.removeprefix(DONE)))
        else:
            self.console.append(f"{message} (line {line})")


def main(path, script, picture=None):
    application = QApplication(sys.argv[:1])
    view, requests = QWebEngineView(), Requests()

    def ended(value):
        QTimer.singleShot(300, lambda: leave(value))  # the picture shows what was done last

    def leave(value):
        if picture:
            view.grab().save(picture)
        found = {"value": value, "console": page.console, "requests": requests.found}
        print(json.dumps(found), flush=True)
        os._exit(0)  # threads of the engine may outlive its objects

    page = Page(view, ended)
    page.setUrlRequestInterceptor(requests)
    view.setPage(page)
    view.resize(*SIZE)
    view.show()
    text = pathlib.Path(script).read_text(encoding="utf-8")
    run = f"{{ const done = (value) => console.log({DONE!r} + JSON.stringify(value));\n{text} }}"
    view.loadFinished.connect(lambda _: page.runJavaScript(run))
    view.load(QUrl.fromLocalFile(os.path.abspath(path)))
    QTimer.singleShot(1000 * SECONDS, lambda: leave(None))
    application.exec()


if __name__ == "__main__":
    main(*sys.argv[1:])

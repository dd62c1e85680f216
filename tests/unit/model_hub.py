# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hub: a real server on this machine, which answers as hubs do, or badly."""

from __future__ import annotations

import http.server
import threading


class Hub(http.server.ThreadingHTTPServer):
    """answers: by path a text, a status, or what is done with the open request. seen: path and Authorization."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.seen = {}, []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address):
        """A client that went away is no news."""

    def serve(self, model, files, revision="main"):
        for name, text in files.items():
            self.answers[f"/{model}/resolve/{revision}/{name}"] = text


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.seen.append((self.path, self.headers.get("Authorization")))
        answer = self.server.answers.get(self.path, 404)
        if callable(answer):
            answer(self)
            return
        body = b"" if isinstance(answer, int) else answer.encode()
        self.send_response(answer if isinstance(answer, int) else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Quiet."""


def serve():
    """A fixture's function."""
    server = Hub()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()

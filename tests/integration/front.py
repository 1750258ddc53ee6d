#!/usr/bin/env python3
"""A front for a registry on this machine: TLS, the anonymous Bearer flow, blobs redirected to another host, and faults.

Each request is a JSON line in --log: method, path, host, status, authorization (its scheme), range, sent (body bytes).
A fault hits requests whose path matches --match, the first --times of them. KIND[:ARG] is one of
  cut:N        close the connection after N bytes of the body        drop         close it before any reply
  stall:N      stop after N bytes and keep the connection open       status:CODE  an error reply
  flip:N       flip one bit of byte N                                truncate:N   a shorter body, well framed
  lie          another body of the same length                       no-range     answer 200 to a range request
  wrong-range  206 with the wrong bytes                              html         200 with a page in place of JSON
  endless      a body without end                                    loop         a redirect to itself
  redirect:URL a redirect to URL                                     slow:N       N bytes per 10 ms
"""
import argparse
import base64
import http.client
import http.server
import json
import os
import re
import ssl
import sys
import threading
import time
import urllib.parse

CHUNK = 65536
STALL_SECONDS = 120
PAGE = b"<html><body>please sign in to this network</body></html>"
PASSED = ("content-type", "docker-content-digest", "etag", "accept-ranges", "content-range", "location")


class Gone(Exception):
    """The connection was closed on purpose."""


class State:
    def __init__(self, options):
        self.options = options
        self.lock = threading.Lock()
        self.hits = 0
        self.log = open(options.log, "a", buffering=1)
        upstream = urllib.parse.urlsplit(options.upstream)
        self.upstream = upstream.hostname, upstream.port

    def write(self, **row):
        with self.lock:
            self.log.write(json.dumps(row) + "\n")

    def take_fault(self, path):
        """(kind, argument) when this request is to fail."""
        o = self.options
        if not o.fault or not re.search(o.match, path):
            return "", ""
        with self.lock:
            self.hits += 1
            if o.times and self.hits > o.times:
                return "", ""
        return o.fault.partition(":")[::2]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state = None

    def log_message(self, *args):
        pass

    def do_HEAD(self):
        self.serve()

    def do_GET(self):
        self.serve()

    def serve(self):
        self.sent, self.status = 0, 0
        kind, argument = "", ""
        try:
            kind, argument = self.state.take_fault(self.path)
            self.answer(kind, argument)
        except (Gone, ConnectionError, ssl.SSLError):
            self.close_connection = True
        scheme = (self.headers.get("Authorization") or "").split(" ")[0] or None
        self.state.write(method=self.command, path=self.path, host=self.headers.get("Host"), status=self.status,
                         authorization=scheme, range=self.headers.get("Range"), sent=self.sent, fault=kind or None)

    def head(self, status, length, **headers):
        self.status = status
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def body(self, data):
        if self.command != "HEAD":
            self.wfile.write(data)
            self.sent += len(data)

    def whole(self, status, data, **headers):
        self.head(status, len(data), **headers)
        self.body(data)

    def error(self, status, code, **headers):
        data = json.dumps({"errors": [{"code": code, "message": code.lower(), "detail": None}]}).encode()
        self.whole(status, data, Content_Type="application/json", **headers)

    def answer(self, kind, argument):
        o = self.state.options
        parts = urllib.parse.urlsplit(self.path)
        if kind and self.early_fault(kind, argument):
            return
        if parts.path == o.token_path:
            self.token(urllib.parse.parse_qs(parts.query))
        elif o.cdn and not parts.path.startswith("/v2/"):
            self.cdn(kind, argument)
        elif o.auth != "none" and not self.allowed(parts.path):
            self.challenge(parts.path)
        elif o.redirect_blobs and "/blobs/" in parts.path:
            self.head(307, 0, Location=o.redirect_blobs + parts.path[len("/v2"):] + "?X-Signature=abc")
        else:
            self.forward(self.path, kind, argument)

    def early_fault(self, kind, argument):
        """Faults that need nothing from the registry."""
        if kind == "drop":
            raise Gone
        if kind == "status":
            o, status = self.state.options, int(argument)
            extra = {"Retry_After": o.retry_after} if o.retry_after else {}
            names = {401: "UNAUTHORIZED", 403: "DENIED", 404: "MANIFEST_UNKNOWN", 429: "TOOMANYREQUESTS"}
            if status == 401:
                extra["WWW_Authenticate"] = self.bearer("")
            self.error(status, names.get(status, "UNAVAILABLE"), **extra)
        elif kind == "html":
            self.whole(200, PAGE, Content_Type="text/html")
        elif kind == "loop":
            self.head(307, 0, Location=self.path)
        elif kind == "redirect":
            self.head(307, 0, Location=argument)
        elif kind == "endless":
            self.head(200, None, Content_Type="application/octet-stream", Connection="close")
            while True:
                self.body(b" " * CHUNK)
        else:
            return False
        return True

    def bearer(self, path):
        o = self.state.options
        name = re.match(r"/v2/(.+)/(?:manifests|blobs|tags)/", path)
        scope = f',scope="repository:{name[1]}:pull"' if name else f',scope="{o.ping_scope}"' if o.ping_scope else ""
        return f'Bearer realm="{o.realm}",service="{o.service}"{scope}'

    def challenge(self, path):
        self.error(401, "UNAUTHORIZED", WWW_Authenticate=self.bearer(path))

    def token(self, query):
        """Anonymous, for pulling only; a wrong service or a scope for pushing gets nothing."""
        service, scopes = query.get("service", [""])[0], query.get("scope", [""])
        if service != self.state.options.service:
            return self.error(400, "DENIED")
        if any(s and not re.fullmatch(r"aws|repository:[a-z0-9._/-]+:pull", s) for s in scopes):
            return self.error(403, "DENIED")
        token = base64.urlsafe_b64encode(" ".join(scopes).encode()).decode()
        return self.whole(200, json.dumps({"token": token}).encode(), Content_Type="application/json")

    def allowed(self, path):
        scheme, _, token = (self.headers.get("Authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return False
        try:
            scopes = base64.urlsafe_b64decode(token).decode().split(" ")
        except ValueError:
            return False
        name = re.match(r"/v2/(.+)/(?:manifests|blobs|tags)/", path)
        return not name or f"repository:{name[1]}:pull" in scopes

    def cdn(self, kind, argument):
        """Where blobs are redirected to: like signed storage URLs it refuses a request that has Authorization."""
        if self.headers.get("Authorization"):
            return self.error(400, "InvalidArgument")
        return self.forward("/v2" + urllib.parse.urlsplit(self.path).path, kind, argument)

    def forward(self, path, kind, argument):
        upstream = http.client.HTTPConnection(*self.state.upstream, timeout=60)
        names = ("Accept",) if kind == "no-range" else ("Accept", "Range")
        passed = {name: ", ".join(self.headers.get_all(name)) for name in names if name in self.headers}
        upstream.request(self.command, path, headers=passed)
        reply = upstream.getresponse()
        length = int(reply.headers.get("Content-Length", 0))
        if kind == "truncate":
            length = min(length, int(argument))
        self.status = reply.status
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            if name.lower() in PASSED:
                self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command != "HEAD":
            self.copy(reply, length, kind, argument)
        upstream.close()

    def copy(self, reply, length, kind, argument):
        number = int(argument) if argument.isdigit() else 0
        stop = number if kind in ("cut", "stall") else length
        step = number if kind == "slow" else CHUNK
        while self.sent < min(stop, length):
            data = bytearray(reply.read(min(step, stop - self.sent, length - self.sent)))
            if not data:
                break
            if kind == "flip" and self.sent <= number < self.sent + len(data):
                data[number - self.sent] ^= 0x10
            if kind in ("lie", "wrong-range") and (kind == "lie" or self.status == 206):
                data = bytearray(b"\x5a" * len(data))
            self.body(data)
            if kind == "slow":
                time.sleep(0.01)
        if kind == "stall" and stop < length:
            self.wfile.flush()
            time.sleep(STALL_SECONDS)
        if kind in ("cut", "stall"):
            raise Gone


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (ConnectionError, ssl.SSLError, TimeoutError)):
            super().handle_error(request, client_address)


def options():
    p = argparse.ArgumentParser()
    p.add_argument("--listen", default="127.0.0.1:0")
    p.add_argument("--port-file", help="the port is written here when the front is ready")
    p.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    p.add_argument("--upstream", required=True)
    p.add_argument("--log", required=True)
    p.add_argument("--auth", choices=("none", "bearer"), default="none")
    p.add_argument("--realm", default="", help="{port} stands for the front's own port")
    p.add_argument("--service", default="")
    p.add_argument("--ping-scope", default="")
    p.add_argument("--token-path", default="/token/")
    p.add_argument("--redirect-blobs", metavar="URL")
    p.add_argument("--cdn", action="store_true", help="serve paths outside of /v2/ as redirected blobs")
    p.add_argument("--fault", default="")
    p.add_argument("--match", default=".")
    p.add_argument("--times", type=int, default=0, help="0: always")
    p.add_argument("--retry-after")
    return p.parse_args()


def main():
    o = options()
    host, _, port = o.listen.rpartition(":")
    Handler.state = State(o)
    server = Server((host, int(port)), Handler)
    o.realm = o.realm.replace("{port}", str(server.server_port))
    if o.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*o.tls)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    if o.port_file:
        with open(o.port_file + ".new", "w") as f:
            f.write(f"{server.server_port}\n")
        os.rename(o.port_file + ".new", o.port_file)
    server.serve_forever()


if __name__ == "__main__":
    main()

"""A registry that lies, dawdles and breaks: each of its repositories in another way.

    fake.py LOG

Prints the port that it listens on, at 127.0.0.1, and writes a line to LOG for each request.
"""

import hashlib
import http.server
import io
import json
import platform
import sys
import tarfile
import threading

log = open(sys.argv[1], "a", buffering=1)
never = threading.Event()
asked = {}


def layer(*members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, contents in members:
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(contents), 1_600_000_000
            tar.addfile(member, io.BytesIO(contents))
    return buffer.getvalue()


def digest(blob):
    return "sha256:" + hashlib.sha256(blob).hexdigest()


IMAGE = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
TAR = "application/vnd.oci.image.layer.v1.tar"

FIRST = layer(("one", b"first layer"), ("big", bytes(1_000_000)))
SECOND = layer(("two", b"second layer"), (".wh.big", b""), ("noise", bytes(range(256)) * 2000))
EVIL = layer(("../../../../tmp/evil", b"outside"))
CUT = SECOND[:5000]
BROKEN = b"\x1f\x8b\x08\x00 this is no gzip"
BOMB = layer(*((f"{number}", b"") for number in range(10)))
HERE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
CONFIG = json.dumps({"os": "linux", "architecture": HERE, "rootfs": {"type": "layers", "diff_ids": []}}).encode()
ARM = json.dumps({"os": "linux", "architecture": "s390x"}).encode()
blobs = {digest(blob): blob for blob in (FIRST, SECOND, EVIL, CUT, BROKEN, BOMB, CONFIG, ARM)}


def described(blob, kind=TAR, by=0):
    return {"mediaType": kind, "digest": digest(blob), "size": len(blob) + by}


def image(*layers, config=CONFIG, **more):
    return json.dumps({"schemaVersion": 2, "mediaType": IMAGE,
                       "config": described(config, "application/vnd.oci.image.config.v1+json"),
                       "layers": list(layers), **more}).encode()


def index(*entries):
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        {"mediaType": IMAGE, "digest": digest(manifest), "size": len(manifest) + by,
         "platform": {"os": "linux", "architecture": architecture}}
        for architecture, manifest, by in entries]}).encode()


HONEST = image(described(FIRST), described(SECOND))
OTHER = image(described(SECOND))
manifests = {
    "longer": image(described(FIRST), described(SECOND, by=+512)),
    "shorter": image(described(FIRST), described(SECOND, by=-512)),
    "negative": image(described(FIRST), {**described(SECOND), "size": -1}),
    "large-manifest": index((HERE, HONEST, +1)),
    "other-manifest": index((HERE, HONEST, 0)),
    "elsewhere": index(("s390x", HONEST, 0), ("riscv64", HONEST, 0)),
    "foreign": image(described(FIRST), config=ARM),
    "no-layers": image(),
    "chart": image(described(FIRST, "application/vnd.cncf.helm.chart.content.v1.tar+gzip")),
    "both": image(described(FIRST), manifests=[]),
    "first-version": json.dumps({"schemaVersion": 1, "fsLayers": []}).encode(),
    "evil": image(described(FIRST), described(EVIL)),
    "cut-layer": image(described(FIRST), described(CUT)),
    "broken-layer": image(described(FIRST), described(BROKEN)),
    "odd-digest": image({**described(FIRST), "digest": "sha256:../../../../etc/passwd"}),
    "page": b"<html>hello \x1b[31m</html>",
}


class Registry(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        log.write(self.path + "\n")

    def answer(self, code, body, kind="application/json", length=None):
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        parts = self.path.split("/")
        if len(parts) == 3:
            return self.answer(200, b"{}")
        repository, what, which = parts[2], parts[3], parts[4]
        if what == "manifests":
            return self.manifest(repository, which)
        return self.blob(repository, blobs.get(which, b""))

    def manifest(self, repository, which):
        refusals = {"too-many": (429, b"slow down"), "trouble": (503, b"out of order"),
                    "denied": (403, b'{"errors":[{"code":"DENIED","message":"no"}]}'),
                    "missing": (404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"no"}]}')}
        if repository in refusals:
            return self.answer(*refusals[repository])
        if repository == "silent":
            never.wait()
        body = manifests.get(repository, HONEST)
        if which.startswith("sha256:"):
            # As it is listed in the index; or, under that very digest, another one.
            body = OTHER if repository == "other-manifest" else HONEST
        kind = INDEX if b'"manifests": [{' in body else IMAGE
        self.answer(200, body, kind)

    def blob(self, repository, blob):
        octets = "application/octet-stream"
        times = asked[repository, blob] = asked.get((repository, blob), 0) + 1
        if blob != SECOND:
            return self.answer(200, blob, octets)
        half = len(blob) // 2
        if repository == "damaged" or repository.startswith("damaged-once") and times == 1:
            return self.answer(200, blob[:half] + bytes([blob[half] ^ 1]) + blob[half + 1:], octets)
        if repository == "stalling":
            self.answer(200, blob[:half], octets, length=len(blob))
            self.wfile.flush()
            never.wait()
        if repository == "breaking":
            self.answer(200, blob[:half], octets, length=len(blob))
            self.close_connection = True
            return None
        if repository == "endless":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")
            except OSError:
                self.close_connection = True
                return None
        return self.answer(200, blob, octets)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
server.daemon_threads = True
# Clients that hang up are what this is about.
server.handle_error = lambda *_: None
print(server.server_address[1], flush=True)
server.serve_forever()

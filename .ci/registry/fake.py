"""A registry that lies, dawdles and breaks: each of its repositories in another way.

    fake.py LOG [REALM [CERTIFICATE KEY]]

Prints the port that it listens on, at 127.0.0.1, and writes a line to LOG for each request:
its path, and as whom (`-` for none). With REALM it wants a token, which is to be had there;
`SELF` stands for its own address. With CERTIFICATE it speaks TLS, as registry.test. Where
it sends people on to another server, that is the one at $ELSEWHERE.
"""

import email.utils
import hashlib
import http.server
import io
import json
import os
import platform
import socket
import ssl
import struct
import sys
import tarfile
import threading
import time
import urllib.parse
import zlib

log = open(sys.argv[1], "a", buffering=1)
realm = sys.argv[2] if len(sys.argv) > 2 else ""
elsewhere = os.environ.get("ELSEWHERE", "")
never = threading.Event()
MANY = 700_000_000
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
STEADY = layer(("steady", bytes(40_000_000)))
BOMB = layer(*((f"{number}", b"") for number in range(10)))
HERE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
CONFIG = json.dumps({"os": "linux", "architecture": HERE, "rootfs": {"type": "layers", "diff_ids": []}}).encode()
ARM = json.dumps({"os": "linux", "architecture": "s390x"}).encode()
blobs = {digest(blob): blob for blob in (FIRST, SECOND, EVIL, CUT, BROKEN, BOMB, STEADY, CONFIG, ARM)}


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
FOREIGN = image(described(FIRST), config=ARM)


def listing(*entries):
    """An index of manifests and of what is said about each."""
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        {"mediaType": IMAGE, "digest": digest(manifest), "size": len(manifest), **more}
        for manifest, more in entries]}).encode()


def for_us(**more):
    return {"platform": {"os": "linux", "architecture": HERE, **more}}


INNER = index((HERE, HONEST, 0))
manifests = {
    "longer": image(described(FIRST), described(SECOND, by=+512)),
    "shorter": image(described(FIRST), described(SECOND, by=-512)),
    "negative": image(described(FIRST), {**described(SECOND), "size": -1}),
    "large-manifest": index((HERE, HONEST, +1)),
    "other-manifest": index((HERE, HONEST, 0)),
    "variant": listing((OTHER, for_us(variant="v99")), (HONEST, for_us())),
    "variants": listing((OTHER, for_us(variant="v99")), (OTHER, for_us(variant="v100"))),
    "no-platform": listing((HONEST, {})),
    "half-a-platform": listing((HONEST, {"platform": {}})),
    "no-platforms": listing((FOREIGN, {}), (OTHER, {"artifactType": "application/vnd.example"}), (HONEST, {"platform": None})),
    "nested": listing((INNER, {"mediaType": INDEX, **for_us()})),
    "elsewhere": index(("s390x", HONEST, 0), ("riscv64", HONEST, 0)),
    "foreign": image(described(FIRST), config=ARM),
    "no-layers": image(),
    "chart": image(described(FIRST, "application/vnd.cncf.helm.chart.content.v1.tar+gzip")),
    "both": image(described(FIRST), manifests=[]),
    "first-version": json.dumps({"schemaVersion": 1, "fsLayers": []}).encode(),
    "evil": image(described(FIRST), described(EVIL)),
    "cut-layer": image(described(FIRST), described(CUT)),
    "broken-layer": image(described(FIRST), described(BROKEN)),
    "absurd": image(described(FIRST), {**described(SECOND), "size": 9 * 10**18}),
    "larger-than-any-number": image({**described(SECOND), "size": 10**30}),
    "large": image({**described(FIRST), "size": 30 << 30}, {**described(SECOND), "size": 30 << 30}),
    "many-layers": image(*[described(FIRST)] * 1000),
    "steady": image(described(STEADY)),
    "cut-often": image(described(FIRST), described(STEADY)),
    "cut-silently": image(described(FIRST), described(STEADY)),
    "dense": b'{"layers": [' + b"[]," * 1_398_000 + b"[]]}",
    "odd-digest": image({**described(FIRST), "digest": "sha256:../../../../etc/passwd"}),
    "page": b"<html>hello \x1b[31m</html>",
}


class Registry(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        log.write(f"{self.path} {self.headers.get('Authorization', '-')}\n")

    def end(self):
        self.close_connection = True

    def begin(self, code=200, **headers):
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def chunks(self):
        """A body without an end, in chunks."""
        self.begin(Transfer_Encoding="chunked")
        while True:
            self.wfile.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")

    def trickle(self, text=b" "):
        """One byte now and then, for ever."""
        while True:
            self.wfile.write(text)
            self.wfile.flush()
            time.sleep(0.2)

    def large(self, how):
        """What should be small, and is not."""
        if how == "announced":
            self.begin(Content_Length=MANY)
        if how == "unannounced":
            self.begin(Connection="close")
        if how == "refusal":
            self.begin(404, Connection="close")
        if how == "compressed":
            packer = zlib.compressobj(1, wbits=31)
            body = b"".join([packer.compress(bytes(MANY // 1000)) for _ in range(100)] + [packer.flush()])
            return self.begin(Content_Encoding="gzip", Content_Length=len(body)) or self.wfile.write(body)
        if how == "head":
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            while True:
                self.wfile.write(b"X-More: " + bytes([0x61]) * 1000 + b"\r\n")
        if how == "chunks":
            self.chunks()
        for _ in range(MANY // 100_000):
            self.wfile.write(b" " * 100_000)

    def slow(self, how):
        """What comes byte by byte."""
        if how == "head":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-More: ")
        if how == "hints":
            self.trickle(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        if how == "body":
            self.begin(Content_Length=1000)
        if how == "refusal":
            self.begin(404, Content_Length=1000)
        if how == "chunks":
            self.begin(Transfer_Encoding="chunked")
            self.wfile.write(b"5;")
        self.trickle(b"a")

    def answer(self, code, body, kind="application/json", length=None):
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        try:
            self.get()
        except OSError:
            self.end()

    def get(self):
        parts = self.path.split("/")
        if self.path.startswith("/token"):
            query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
            return self.token(query["scope"][0].split(":")[1])
        if realm and self.headers.get("Authorization") != "Bearer good":
            address = f"{'https://registry.test' if secure else 'http://127.0.0.1'}:{server.server_address[1]}"
            challenge = f'Bearer realm="{realm.replace("SELF", address)}",service="fake"'
            return self.begin(401, WWW_Authenticate=challenge, Content_Length=0)
        if len(parts) == 3:
            return self.answer(200, b"{}")
        repository, what, which = parts[2], parts[3], parts[4]
        if self.busy(repository, what, which):
            return None
        kind, _, way = repository.partition("-")
        if kind in ("large", "slow") and way.startswith(what + "-"):
            return getattr(self, kind)(way.removeprefix(what + "-"))
        if what == "manifests":
            return self.manifest(repository, which)
        return self.blob(repository, blobs.get(which, b""))

    def busy(self, repository, what, which):
        """Some come back later: `busy-CODE-WHAT-TIMES`, `broken-WHAT-TIMES`."""
        parts = repository.split("-")
        if parts[0] not in ("busy", "broken") or parts[-2] != what:
            return False
        times = asked[repository, which] = asked.get((repository, which), 0) + 1
        if times > int(parts[-1]):
            return False
        if parts[0] == "broken":
            self.end()
            # With a reset instead of an end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        else:
            later = {"429": "1", "503": email.utils.formatdate(time.time() + 2, usegmt=True), "504": "3600"}.get(parts[1])
            self.begin(int(parts[1]), Content_Length=0, **({"Retry_After": later} if later else {}))
        return True

    def token(self, repository):
        """What REALM answers: a token, unless it is asked for the repository of another way."""
        answers = {"token-odd": b'{"token": "two\\nlines"}', "token-page": b"<html>log in</html>", "token-number": b'{"token": 1}'}
        if repository == "token-refused":
            return self.answer(401, b'{"details": "incorrect username or password"}')
        if repository in ("token-in-the-clear", "token-elsewhere"):
            return self.begin(307, Location=f"{elsewhere}/token?scope=repository:plain:pull", Content_Length=0)
        if repository == "large-token":
            self.large("chunks")
        if repository == "slow-token":
            self.slow("body")
        self.answer(200, answers.get(repository, b'{"access_token": "good"}'))

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
            listed = {digest(manifest): manifest for manifest in (HONEST, OTHER, FOREIGN, INNER)}
            body = OTHER if repository == "other-manifest" else listed.get(which, HONEST)
        kind = INDEX if b'"manifests": [{' in body else IMAGE
        self.answer(200, body, kind)

    def part(self, blob, first=0, last=None, code=206, said=None):
        """Some of a blob, and a line in the log for how many bytes those were."""
        last = len(blob) if last is None else min(last, len(blob))
        said = first if said is None else said
        if code == 206:
            self.begin(206, Content_Length=len(blob) - first, Content_Range=f"bytes {said}-{len(blob) - 1}/{len(blob)}")
        else:
            self.begin(code, Content_Length=len(blob) - first)
        self.wfile.write(blob[first:last])
        self.wfile.flush()
        log.write(f"{self.path} sent {last - first}\n")
        if last < len(blob):
            self.end()

    def cut(self, way, blob, times):
        """A connection that breaks in the middle, and what the server makes of the rest."""
        half = len(blob) // 2
        first = int(self.headers.get("Range", "bytes=0-")[6:-1])
        if way == "silently" and times <= 2:
            self.part(blob, first, first + 2_000_000, 206 if first else 200)
            never.wait()
        if way == "often":
            return self.part(blob, first, first + 4_000_000, 206 if first else 200)
        if times == 1:
            return self.part(blob, 0, half, 200)
        if way == "all-again":
            return self.part(blob, 0, code=200)
        if way == "not-that" and first:
            return self.begin(416, Content_Length=0)
        if way == "from-another":
            return self.part(blob, 0)
        if way == "another":
            return self.part(blob[:half] + bytes(len(blob) - half), first)
        if way == "too-much":
            return self.part(blob + b"more", first)
        self.part(blob, first, code=206 if first else 200)

    def blob(self, repository, blob):
        octets = "application/octet-stream"
        times = asked[repository, blob] = asked.get((repository, blob), 0) + 1
        kind, _, way = repository.partition("-")
        if kind == "cut" and blob in (SECOND, STEADY):
            return self.cut(way, blob, times)
        if repository == "stalling" and self.headers.get("Range"):
            return self.part(blob, int(self.headers["Range"][6:-1]))
        if repository == "steady":
            self.begin(Content_Length=len(blob))
            self.wfile.write(blob[:20_000_000])
            # Until the test has done what it wants to have done in the middle of it.
            while not os.path.exists(sys.argv[1] + ".go"):
                time.sleep(0.05)
            return self.wfile.write(blob[20_000_000:])
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
        if repository in ("endless", "absurd"):
            self.chunks()
        if repository == "trickling":
            self.begin(Content_Length=len(blob))
            self.wfile.write(blob[:5000])
            self.trickle()
        if repository == "moved":
            return self.begin(307, Location=f"{elsewhere}{self.path}", Content_Length=0)
        return self.answer(200, blob, octets)


secure = len(sys.argv) > 4
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
if secure:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*sys.argv[3:5])
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.daemon_threads = True
# Clients that hang up are what this is about.
server.handle_error = lambda *_: None
print(server.server_address[1], flush=True)
server.serve_forever()

"""A provider registry on this machine, over TLS, that offers the files of one folder and nothing else.
It speaks the registry protocol, so that a CLI checks sums, signature and protocol as it does for a public one."""

import contextlib
import http.server
import json
import re
import ssl
import subprocess
import threading

from facts import PROVIDER, SOURCE, Refused

PROVIDERS = "/v1/providers/"


@contextlib.contextmanager
def serve(facts, files, work):
    """Gives the registry's host, with its port, and the file with the certificate to trust."""
    certificate, key = work / "registry.pem", work / "registry.key"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate]  # fmt: skip
    try:
        subprocess.run(made, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        raise Refused("openssl could not make a certificate for the registry; install OpenSSL 1.1.1 or newer") from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"facts": facts, "files": files}))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"localhost:{server.server_port}", certificate
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    facts = None
    files = None

    def do_GET(self):
        answer = self.answer()
        self.send_response(404 if answer is None else 200)
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_header("Content-Type", "application/octet-stream" if isinstance(answer, bytes) else "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def answer(self):
        ours = f"{PROVIDERS}{SOURCE}/"
        if self.path == "/.well-known/terraform.json":
            return {"providers.v1": PROVIDERS}
        if self.path == f"{ours}versions":
            return {"versions": [{"version": self.facts.version, "protocols": self.protocols(), "platforms": self.platforms()}]}
        if match := re.fullmatch(rf"{ours}{re.escape(self.facts.version)}/download/([a-z]+)/([a-z0-9]+)", self.path):
            return self.package(*match.groups())
        file = self.files / self.path.removeprefix("/files/")
        return file.read_bytes() if file.parent == self.files and file.is_file() else None

    def protocols(self):
        return json.loads((self.files / self.facts.manifest_name).read_bytes())["metadata"]["protocol_versions"]

    def platforms(self):
        names = [file.stem.removeprefix(self.facts.prefix + "_") for file in self.files.glob(f"{self.facts.prefix}_*.zip")]
        return [dict(zip(["os", "arch"], name.split("_"), strict=True)) for name in names]

    def package(self, system, machine):
        name = self.facts.archive(PROVIDER, f"{system}_{machine}")
        sums = self.facts.sums(PROVIDER)
        listed = dict(reversed(line.split()) for line in (self.files / sums).read_text().split("\n") if line)
        if name not in listed:
            return None
        key = (self.files / self.facts.key_name).read_text()
        return {
            "protocols": self.protocols(),
            "os": system,
            "arch": machine,
            "filename": name,
            "download_url": f"/files/{name}",
            "shasum": listed[name],
            "shasums_url": f"/files/{sums}",
            "shasums_signature_url": f"/files/{sums}.sig",
            "signing_keys": {"gpg_public_keys": [{"key_id": "", "ascii_armor": key}]},
        }

    def log_message(self, *_):
        """The CLI says what went wrong; the requests are noise."""

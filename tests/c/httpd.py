#!/usr/bin/env python3
"""Runs the example server and asks it what a client would.

    tests/c/httpd.py PATH_OF_HTTPD
"""

import http.client
import json
import os
import subprocess
import sys
import tempfile
import urllib.parse

MAX_BODY = 1000
UNSUPPORTED = "segments need"


class Server:
    """A server on a port of its own, for the length of a `with`."""

    def __init__(self, *options):
        self.options = [*options, "--port", "0", "--max-body", str(MAX_BODY)]

    def __enter__(self):
        command = [sys.argv[1], *self.options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.address = urllib.parse.urlparse(self.process.stdout.readline().strip()).netloc
        return self

    def __exit__(self, *_):
        self.process.terminate()
        said = self.process.communicate(timeout=10)[1]
        assert self.process.returncode == 0, (self.process.returncode, said)

    def ask(self, method="GET", body=None, **headers):
        connection = http.client.HTTPConnection(self.address, timeout=10)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, "/", body, headers, encode_chunked=not isinstance(body, (bytes, type(None))))
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response, text

    def statuses(self, count, **headers):
        return [self.ask(**headers)[0].status for _ in range(count)]


def a_quota_per_caller(server):
    response, _ = server.ask()
    assert response.status == 200, response.status
    assert response.headers["X-RateLimit-Limit"] == "3" and response.headers["X-RateLimit-Remaining"] == "2"
    assert response.headers["RateLimit"].startswith('"hour";r=2;t='), response.headers["RateLimit"]
    assert response.headers["RateLimit-Policy"] == '"hour";q=3;w=3600'
    assert response.headers["Retry-After"] is None
    assert server.statuses(3) == [200, 200, 429]
    assert server.statuses(4, X_API_Key="mine") == [200, 200, 200, 429]
    assert server.statuses(1, Authorization="Bearer mine") == [429]
    # A key that reads as an address is none: nobody spends another's quota, or has one beside their own.
    assert server.statuses(1, X_API_Key="127.0.0.1") == [429]
    assert server.statuses(1, X_API_Key="192.0.2.1") == [429]


def denials_say_when(server):
    response, text = server.ask()
    wait = int(response.headers["Retry-After"])
    assert response.status == 429 and 3500 < wait <= 3601, wait
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    assert json.loads(text) == {"message": f"Rate limit exceeded. Try again in {wait} seconds.", "status": "error"}
    response, text = server.ask(Accept="application/problem+json")
    assert response.headers["Content-Type"] == "application/problem+json"
    assert json.loads(text)["violated-policies"] == ["hour"]


def bodies_have_a_limit(server):
    ask = {"method": "POST", "X_API_Key": "sender"}
    response, text = server.ask(body=b"x" * MAX_BODY, **ask)
    assert response.status == 200 and f"{MAX_BODY} bytes" in text, text
    # Refused by its head alone: the body is not even sent.
    response, text = server.ask(Content_Length=str(MAX_BODY + 1), **ask)
    assert response.status == 413 and "1 kB" in json.loads(text)["message"], text
    assert response.headers["X-RateLimit-Limit"] is None
    # In chunks, of unknown length: refused once it has grown too large.
    response, _ = server.ask(body=iter([b"x" * 600, b"x" * 600]), **ask)
    assert response.status == 413, response.status
    # Neither has cost anything.
    response, _ = server.ask(body=iter([b"x" * 600]), **ask)
    assert response.status == 200 and response.headers["X-RateLimit-Remaining"] == "1"


def processes_share_a_segment():
    path = f"/dev/shm/tidegate-httpd-{os.getpid()}"
    policy = ["--policy", "3/hour", "--segment", path]
    try:
        with Server(*policy) as one, Server(*policy) as other:
            assert [server.ask()[0].status for server in (one, other, one, other)] == [200, 200, 200, 429]
    finally:
        if os.path.exists(path):
            os.unlink(path)


def policies_from_a_file():
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write('[free]\nlimits = "1/hour"\n')
        file.flush()
        with Server("--policy-file", file.name, "--policy", "free") as server:
            assert server.statuses(2) == [200, 429]


def faults_are_said():
    process = subprocess.run([sys.argv[1], "--policy", "3/fortnight"], capture_output=True, text=True, timeout=10)
    assert process.returncode == 1 and "3/fortnight" in process.stderr, process
    process = subprocess.run([sys.argv[1], "--help"], capture_output=True, text=True, timeout=10)
    assert process.returncode == 2 and "usage" in process.stderr, process


def segments_are_supported():
    path = f"/dev/shm/tidegate-probe-{os.getpid()}"
    command = [sys.argv[1], "--policy", "1/hour", "--segment", path, "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    started = process.stdout.readline() != ""
    process.terminate()
    said = process.communicate(timeout=10)[1]
    if os.path.exists(path):
        os.unlink(path)
    assert started or UNSUPPORTED in said, said
    return started


with Server("--policy", "3/hour") as server:
    a_quota_per_caller(server)
    denials_say_when(server)
    bodies_have_a_limit(server)
policies_from_a_file()
faults_are_said()
if segments_are_supported():
    processes_share_a_segment()
else:
    print("httpd: segments are not in this build; sharing is not tested")
print("httpd: ok")

"""The service's /health and echo in Flask, for gunicorn."""

import hashlib
import hmac
import json
import os
import re
import secrets
import sys
import threading
import time
import uuid
from bisect import bisect_left
from datetime import datetime, timezone

from flask import Flask, Response, g, request

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-XSS-Protection": "1; mode=block",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
KEY = hashlib.sha256(os.environ["API_KEY"].encode()).digest()
MOST = int(os.environ["RATE_LIMIT"].split("/")[0])
WINDOW_SECONDS = 60
STARTED = time.monotonic()

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 1024 * 1024

lock = threading.Lock()
windows = {}
histograms = {}


def now():
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def answer(value, status=200):
    """As Flask's jsonify, but without a line break at the end."""
    body = json.dumps(value, separators=(",", ":"))
    return Response(body, status, mimetype="application/json")


def problem(status, code):
    return answer({"status": status, "code": code}, status)


def count(client):
    """Counts a request for its client; returns how many are left, and for how many seconds."""
    with lock:
        at = time.monotonic()
        hits, ends = windows.get(client, (0, 0))
        if at >= ends:
            hits, ends = 0, at + WINDOW_SECONDS
        windows[client] = (hits + 1, ends)
        return MOST - hits - 1, int(ends - at + 0.999)


@app.before_request
def edge():
    g.started = time.perf_counter()
    sent = request.headers.get("X-Request-Id", "")
    g.id = sent if re.fullmatch(r"[\x20-\x7e]{1,128}", sent) else str(uuid.uuid4())
    trace = re.match(r"00-([0-9a-f]{32})-", request.headers.get("traceparent", ""))
    g.trace = trace.group(1) if trace else secrets.token_hex(16)
    g.key_name = None
    g.limit = None
    if request.path.startswith("/api/"):
        return limit()


def limit():
    digest = hashlib.sha256(request.headers.get("X-API-Key", "").encode()).digest()
    if hmac.compare_digest(digest, KEY):
        g.key_name = "default"
    left, seconds = count(g.key_name or request.remote_addr)
    g.limit = f'"default";r={max(0, left)};t={seconds}'
    if left < 0:
        return problem(429, "rate_limited")
    if g.key_name is None:
        return problem(401, "invalid_api_key")


@app.after_request
def finish(response):
    for name, value in SECURITY_HEADERS.items():
        response.headers[name] = value
    response.headers["X-Request-Id"] = g.id
    if g.limit:
        response.headers["RateLimit-Policy"] = f'"default";q={MOST};w={WINDOW_SECONDS}'
        response.headers["RateLimit"] = g.limit
    seconds = time.perf_counter() - g.started
    route = request.url_rule.rule if request.url_rule else "other"
    record(f"{request.method} {response.status_code} {route}", seconds)
    line = {
        "timestamp": now(),
        "level": "INFO",
        "message": "request",
        "request_id": g.id,
        "trace_id": g.trace,
        "key_name": g.key_name,
        "method": request.method,
        "route": route,
        "path": request.path,
        "status": response.status_code,
        "duration_ms": round(seconds * 1000, 3),
        "bytes": response.content_length,
        "client_address": request.remote_addr,
    }
    sys.stdout.write(json.dumps(line) + "\n")
    return response


def record(key, seconds):
    with lock:
        histogram = histograms.setdefault(key, {"counts": [0] * 16, "count": 0, "sum": 0.0})
        histogram["counts"][bisect_left(BOUNDS, seconds)] += 1
        histogram["count"] += 1
        histogram["sum"] += seconds


@app.get("/health")
def health():
    response = answer(
        {
            "status": "healthy",
            "timestamp": now(),
            "service": "thimble",
            "version": "0.1.0",
            "uptime_seconds": round(time.monotonic() - STARTED, 3),
            "environment": os.environ["ENVIRONMENT"],
        }
    )
    response.headers["Cache-Control"] = "no-store"
    return response


@app.post("/api/v1/process")
def process():
    command = request.get_json()
    if command.get("action") != "echo":
        return problem(400, "invalid_input")
    data = command.get("data", {})
    return answer({"success": True, "action": "echo", "data": data, "timestamp": now()})


@app.get("/metrics")
def metrics():
    with lock:
        return "".join(f'http_requests{{request="{k}"}} {v["count"]}\n' for k, v in histograms.items())

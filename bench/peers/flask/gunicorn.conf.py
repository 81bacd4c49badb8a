"""Threads, because gunicorn's default worker closes the connection after each answer."""

import os

bind = f"127.0.0.1:{os.environ['PORT']}"
workers = 1
worker_class = "gthread"
threads = 8
keepalive = 75
loglevel = "error"

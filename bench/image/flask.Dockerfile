# Flask with gunicorn, two routes and no database, on Debian slim
FROM debian:trixie-slim
RUN apt-get update -qq \
 && apt-get install --yes -qq --no-install-recommends gunicorn python3-flask \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
WORKDIR /app
COPY bench/peers/flask ./
CMD ["gunicorn", "service:app"]

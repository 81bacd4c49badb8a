# Bundled, Deno on Debian slim
#
# `deno compile` would make one executable. It downloads a runtime for that, which this benchmark does not.
ARG BUN_VERSION
FROM oven/bun:${BUN_VERSION}-slim AS build
WORKDIR /build
COPY package.json bun.lock ./
RUN bun install --frozen-lockfile
COPY scripts scripts
COPY src src
RUN bun scripts/build/runtimes.ts deno

FROM debian:trixie-slim
COPY --from=build /build/node_modules/@deno/linux-x64-glibc/deno /usr/local/bin/
COPY --from=build /build/dist/deno /app
CMD ["deno", "run", "--allow-all", "/app/deno.mjs"]

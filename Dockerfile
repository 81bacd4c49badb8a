# Bun's version is package.json's `packageManager`; the build fails if the two differ. It is written here
# in full, as Dependabot reads no variables.
FROM oven/bun:1.4.4-slim AS base
WORKDIR /build

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
RUN bun scripts/build/executable.ts

# The libraries that the executable loads, from `ldd`, which works on every architecture. All times are
# 0, so that the layer stays the same from release to release.
RUN ldd dist/thimble | grep --only-matching '/[^ ]*' > libraries.txt \
 && mkdir /surroundings \
 && xargs cp --parents --dereference --target-directory=/surroundings < libraries.txt \
 && install --directory --owner=65532 --group=65532 --mode=1777 /surroundings/data \
 && find /surroundings -exec touch --no-dereference --date=@0 {} +

COPY LICENSE ./
COPY licenses licenses
COPY scripts/image scripts/image
COPY scripts/shell scripts/shell
ARG SOURCE_DATE_EPOCH=0

FROM build AS standard-files
RUN mkdir /files \
 && cp dist/thimble /files/ \
 && bun scripts/image/sbom.ts $(cat libraries.txt) > /files/sbom.cdx.json \
 && bun scripts/image/licenses.ts /files/sbom.cdx.json /files/licenses \
 && find /files -exec touch --date=@$SOURCE_DATE_EPOCH {} +

FROM base AS launcher
# With the licences of the linked libraries, even if the base image has no documentation.
RUN apt-get update -qq \
 && apt-get install --yes -qq --no-install-recommends \
      --option=Dpkg::Options::=--path-include='/usr/share/doc/*/copyright' \
      gcc libc6-dev libxxhash-dev libzstd-dev make musl-tools
COPY launcher ./
RUN make
# The libraries linked into the launcher, in the form that scripts/image/sbom.ts reads.
RUN dpkg-query --show --showformat='${Package}\t${Version}\t${Architecture}\t${source:Package}\n' \
      libxxhash-dev libzstd-dev musl-dev > packages.tsv

FROM launcher AS packed
COPY --from=build /build/dist/thimble program
RUN ./pack launcher program thimble

FROM build AS tiny-files
COPY --from=packed /build/thimble /files/
COPY --from=launcher /build/packages.tsv ./
COPY --from=launcher /usr/share/doc /usr/share/doc
RUN bun scripts/image/sbom.ts --launcher packages.tsv $(cat libraries.txt) > /files/sbom.cdx.json \
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

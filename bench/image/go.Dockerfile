# Go's net/http, two routes and no database, on scratch
FROM debian:trixie-slim AS build
RUN apt-get update -qq && apt-get install --yes -qq --no-install-recommends golang-go
WORKDIR /build
COPY bench/peers/go ./
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o service .

FROM scratch
COPY --from=build /build/service /
ENTRYPOINT ["/service"]

// CPU time of the app for a request, without a server, a socket or a disk:
//
//   bun bench/app.ts [health|process|book|books]
//
// It shows where the time goes within the service, in seconds, also on a busy machine: `bun --cpu-prof bench/app.ts`.
import process from "node:process";
import { createApp } from "../src/app.ts";
import { createKeyRing } from "../src/auth/key-ring.ts";
import { books } from "../src/books.ts";
import { parseConfig } from "../src/config/config.ts";
import { createMemoryDatabase } from "../src/database/memory.ts";
import type { Resource } from "../src/resources/resource.ts";
import { createStore } from "../src/resources/stores/create-store.ts";
import { createServiceMetrics } from "../src/server/telemetry/service-metrics.ts";
import { RESOURCES } from "../src/service.ts";
import { createLogger } from "../src/telemetry/logger.ts";
import { API_KEY } from "./api-key.ts";

const REQUESTS = 20_000;
const ROUNDS = 5;

const clock = Date.now;
const config = parseConfig({ API_KEY, RATE_LIMIT: "100000000/minute", DATABASE_URL: "memory:" });
const database = createMemoryDatabase();
const storeOf = (resource: Resource) => createStore(database, resource, clock);
// The service writes many lines with one system call.
let written = 0;
const write = (line: string) => {
  written += line.length;
};
const sha256 = (text: string) => Bun.CryptoHasher.hash("sha256", text, "hex");

const app = createApp({
  config,
  keys: createKeyRing(config, clock, sha256),
  database,
  resources: RESOURCES,
  storeOf,
  logger: createLogger({ level: "INFO", format: "json", clock, write }),
  clock,
  metrics: createServiceMetrics(database, clock),
});
for (let added = 0; added < 50; added += 1) {
  await storeOf(books).create({ title: "1984", author: "George Orwell", year: 1949 });
}

const echo = JSON.stringify({ action: "echo", data: "x".repeat(170) });
const headers = { Host: "localhost:5000", "User-Agent": "bench", Accept: "*/*" };
const get = (path: string) => () => new Request(`http://localhost:5000${path}`, { headers });
const post = () =>
  new Request("http://localhost:5000/api/v1/process", {
    method: "POST",
    body: echo,
    headers: {
      ...headers,
      "X-API-Key": API_KEY,
      "Content-Type": "application/json",
      "Content-Length": String(echo.length),
    },
  });
const requests: Record<string, () => Request> = {
  health: get("/health"),
  process: post,
  book: get("/books/1"),
  books: get("/books?limit=50"),
};

/** Microseconds of user and system time for one call, the least of some rounds. */
async function cost(work: () => unknown): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round <= ROUNDS; round += 1) {
    const before = process.cpuUsage();
    for (let request = 0; request < REQUESTS; request += 1) await work();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / REQUESTS);
  }
  return least;
}

const connection = { peerAddress: "127.0.0.1", endsBodies: true };
const [only] = process.argv.slice(2);
for (const [name, make] of Object.entries(requests)) {
  if (only !== undefined && only !== name) continue;
  const answer = async () => {
    const { status } = await app.fetch(make(), connection);
    if (status !== 200) throw new Error(`${name}: ${status}`);
  };
  const whole = await cost(answer);
  const request = await cost(make);
  console.log(`${name}: ${(whole - request).toFixed(1)} µs`);
}
console.log(`${written} characters of log were not written anywhere`);

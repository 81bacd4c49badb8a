// Requests per second of the compiled binary with all features on, as a ratio to a bare `Bun.serve`
// that sends the same bytes. Both run on one core and wrk on the other, in turns.
//
//   bun bench/service.ts [SECONDS_PER_TURN]      needs wrk and taskset
import { runMain } from "../scripts/shell/main.ts";
import { markdownTable } from "../scripts/shell/markdown-table.ts";
import { compiledBinary, startService } from "../test/service.ts";
import { API_KEY } from "./api-key.ts";
import { requireMachine } from "./machine.ts";
import { progress } from "./progress.ts";
import { median } from "./statistics.ts";
import { requestsPerSecond, SERVICE_CORE } from "./wrk.ts";

const ROUNDS = 5;
const seconds = Number(process.argv[2] ?? 4);

type Endpoint = { name: string; path: string; init: RequestInit; aim: number };

const ENDPOINTS: Endpoint[] = [
  { name: "GET /health", path: "/health", init: {}, aim: 0.75 },
  { name: "GET /books/1", path: "/books/1", init: {}, aim: 0.5 },
  {
    name: "POST /api/v1/process",
    path: "/api/v1/process",
    init: {
      method: "POST",
      headers: { "X-API-Key": API_KEY, "Content-Type": "application/json" },
      body: '{"action":"validate_ip","ip":"2001:db8::1"}',
    },
    aim: 0.5,
  },
];

/** Answers every request with the bytes of the service's answer. */
const BARE_SERVER = `
const answer = JSON.parse(process.env.ANSWER);
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch: async (request) => {
    if (request.method === "POST") await request.text();
    return new Response(answer.body, { status: answer.status, headers: answer.headers });
  },
});
console.log(JSON.stringify({ message: "listening", port: server.port }));
`;

const pinned = (...command: string[]) => ["taskset", "-c", SERVICE_CORE, ...command];

async function measure(service: string, endpoint: Endpoint) {
  const response = await fetch(service + endpoint.path, endpoint.init);
  const headers = [...response.headers].filter(([name]) => !/^(date|content-length)$/.test(name));
  const answer = { status: response.status, headers, body: await response.text() };
  await using bare = await startService({
    command: pinned(process.execPath, "--eval", BARE_SERVER),
    env: { ANSWER: JSON.stringify(answer) },
  });
  const rates: { service: number; bare: number }[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    rates.push({
      service: await requestsPerSecond(service + endpoint.path, seconds, endpoint.init),
      bare: await requestsPerSecond(bare.url + endpoint.path, seconds, endpoint.init),
    });
  }
  return {
    service: median(rates.map((rate) => rate.service)),
    bare: median(rates.map((rate) => rate.bare)),
    ratio: median(rates.map((rate) => rate.service / rate.bare)),
  };
}

async function main(): Promise<void> {
  requireMachine(["wrk", "taskset"]);
  await using service = await startService({
    command: pinned(await compiledBinary()),
    env: { API_KEY },
  });
  const rows: string[][] = [];
  for (const endpoint of ENDPOINTS) {
    const { name, aim } = endpoint;
    progress(name);
    const { service: rate, bare, ratio } = await measure(service.url, endpoint);
    rows.push([name, rate.toFixed(0), bare.toFixed(0), ratio.toFixed(2), String(aim)]);
  }
  console.log(markdownTable(["endpoint", "requests/s", "bare Bun.serve", "ratio", "aim"], rows));
}

await runMain(main);
process.exit();

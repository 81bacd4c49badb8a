import { API_KEY } from "./api-key.ts";

/** One kind of request that all contenders answer in the same way. */
export type Workload = {
  /** Names it on the command line. */
  id: string;
  title: string;
  path: string;
  init: RequestInit;
  database: "sqlite" | "postgres";
  connections: number;
  /** Peers answer only what needs no database. */
  forPeers: boolean;
};

/** An echo of 200 bytes: the size of the whole body. */
const ECHO_BYTES = 200;
const ECHO = JSON.stringify({ action: "echo", data: { text: "" } });
const BODY = ECHO.replace('""', `"${"x".repeat(ECHO_BYTES - ECHO.length)}"`);

const GET = { init: {}, database: "sqlite", connections: 32, forPeers: false } as const;

export const WORKLOADS: readonly Workload[] = [
  { ...GET, id: "health", title: "GET /health", path: "/health", forPeers: true },
  {
    ...GET,
    id: "process",
    title: "POST /api/v1/process",
    path: "/api/v1/process",
    init: {
      method: "POST",
      headers: { "X-API-Key": API_KEY, "Content-Type": "application/json" },
      body: BODY,
    },
    forPeers: true,
  },
  { ...GET, id: "book", title: "GET /books/1", path: "/books/1" },
  { ...GET, id: "books", title: "GET /books?limit=50", path: "/books?limit=50" },
  {
    ...GET,
    id: "postgres",
    title: "GET /books/1, PostgreSQL",
    path: "/books/1",
    database: "postgres",
    connections: 64,
  },
];

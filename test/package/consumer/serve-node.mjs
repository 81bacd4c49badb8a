import process from "node:process";
import { serve } from "@hono/node-server";
import { createServer } from "./server.ts";

const { DATABASE_URL, API_KEY } = process.env;
const { fetch } = await createServer({ url: DATABASE_URL, apiKey: API_KEY });
serve({ fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) => {
  console.log(`http://127.0.0.1:${port}`);
});

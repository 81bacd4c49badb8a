import process from "node:process";
import { serve } from "@hono/node-server";
import { createServer } from "./server.ts";

const { fetch } = createServer({ books: process.env.BOOKS, apiKey: process.env.API_KEY });
serve({ fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) => {
  console.log(`http://127.0.0.1:${port}`);
});

import process from "node:process";
import { createServer } from "./server.ts";

const { DATABASE_URL, API_KEY } = process.env;
const { fetch } = await createServer({ url: DATABASE_URL, apiKey: API_KEY });
console.log(Bun.serve({ fetch, hostname: "127.0.0.1", port: 0 }).url.origin);

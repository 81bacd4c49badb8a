import process from "node:process";
import { createServer } from "./server.ts";

const { fetch } = createServer({ books: process.env.BOOKS, apiKey: process.env.API_KEY });
console.log(Bun.serve({ fetch, hostname: "127.0.0.1", port: 0 }).url.origin);

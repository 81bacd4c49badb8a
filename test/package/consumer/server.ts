import { Hono } from "hono";
import { createLibrary } from "./library.ts";
import { createService } from "./service.ts";

export function createServer(options: { path: string; apiKey: string }) {
  return new Hono().route("/", createLibrary(options)).route("/service", createService(options));
}

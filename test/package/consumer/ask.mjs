import process from "node:process";
import { ipVersion, lend } from "./client.ts";

const [origin, apiKey] = process.argv.slice(2);
const version = await ipVersion(`${origin}/service`, apiKey, "2001:db8::1");
console.log(JSON.stringify({ version, book: await lend(origin, apiKey) }));

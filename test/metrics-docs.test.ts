import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { parseSamples, parseTypes, type Sample } from "./exposition.ts";
import { freshDatabase } from "./postgres.ts";
import { FROM_SOURCE } from "./program.ts";
import { API_KEY, startService } from "./service.ts";

setDefaultTimeout(60_000);

const DOCS = join(import.meta.dir, "../docs/metrics.md");

type Row = { name: string; type: string; labels: string[] };

/** The rows of the table of metrics. */
async function documented(): Promise<Row[]> {
  const text = await Bun.file(DOCS).text();
  const rows = text.matchAll(/^\| `(\w+)` \| (\w+) \| ([^|]*)\| [^|]+ \|$/gm);
  return Array.from(rows, ([, name = "", type = "", labels = ""]) => ({
    name,
    type,
    labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label = ""]) => label),
  }));
}

/** The same rows from an exposition. */
function exposed(text: string): Row[] {
  const samples = parseSamples(text);
  return Array.from(parseTypes(text), ([name, type]) => ({
    name,
    type,
    labels: labelsOf(samples.find((sample) => familyOf(sample.name) === familyOf(name))),
  }));
}

function familyOf(name: string): string {
  return name.replace(/_(bucket|sum|count)$/, "");
}

function labelsOf(sample?: Sample): string[] {
  return Object.keys(sample?.labels ?? {}).filter((label) => label !== "le");
}

test("docs/metrics.md has exactly the metrics of a service on PostgreSQL", async () => {
  const { url, drop } = await freshDatabase();
  {
    await using service = await startService({ command: FROM_SOURCE, env: { DATABASE_URL: url } });
    const headers = { "X-API-Key": API_KEY };
    await fetch(`${service.url}/books`);
    const response = await fetch(`${service.url}/metrics`, { headers });
    expect(exposed(await response.text())).toEqual(await documented());
  }
  await drop();
});

import { join } from "node:path";
import { type Contender, startContender } from "./contenders.ts";
import { type Spread, spreadOf } from "./statistics.ts";

/** Milliseconds that a process takes until its first 200. */
export type StartMeasurement = { contender: string; milliseconds: Spread };

const STARTS = 25;

/** Starts the service and a compiled Bun that only listens, in turns. */
export async function measureStart(
  service: Contender,
  { databaseUrl, directory }: { databaseUrl: string; directory: string },
): Promise<StartMeasurement[]> {
  const contenders = [await compiledBun(directory), service];
  const times = contenders.map((): number[] => []);
  for (let start = 0; start < STARTS; start += 1) {
    for (const [index, contender] of contenders.entries()) {
      await using running = await startContender(contender, { DATABASE_URL: databaseUrl });
      times[index]?.push(running.firstAnswerMs);
    }
  }
  return contenders.map(({ name }, index) => ({
    contender: name,
    milliseconds: spreadOf(times[index] ?? []),
  }));
}

/** The least that a program can be that listens: compiled as the service is. */
async function compiledBun(directory: string): Promise<Contender> {
  const source = join(directory, "bare.ts");
  const outfile = join(directory, "bare");
  await Bun.write(source, BARE_SERVER);
  const { success, logs } = await Bun.build({
    entrypoints: [source],
    minify: true,
    bytecode: true,
    format: "esm",
    compile: { outfile, autoloadDotenv: false, autoloadBunfig: false },
  });
  if (!success) throw new AggregateError(logs, "The bare server was not compiled");
  return { name: "bare compiled Bun", version: Bun.version, command: [outfile] };
}

const BARE_SERVER = `
Bun.serve({ port: Number(process.env.PORT), hostname: "127.0.0.1", fetch: () => new Response("ok") });
`;

import { parseConfig, parseListenAddress } from "../config.ts";
import { SCOPES } from "../keys/key.ts";
import { SERVICE } from "../service.ts";
import { type Command, describeCommand, describeProgram, UsageError, usageOf } from "./command.ts";
import { EXIT, explainFailure } from "./failure.ts";
import { checkHealth } from "./healthcheck.ts";
import type { Runtime } from "./runtime.ts";
import { readSecretFile } from "./secret-file.ts";

/** In the order of the help. */
const COMMANDS: readonly Command[] = [
  {
    name: "serve",
    summary: "serve the API (the default)",
    run: async (_args, runtime) => {
      const { serve } = await import("./serve.ts");
      await serve(runtime);
      return EXIT.ok;
    },
  },
  {
    name: "healthcheck",
    summary: "ask the service on this machine whether it is ready: exit 0 or 1",
    run: async (_args, { env, stdout, stderr }) => {
      const failure = await checkHealth(parseListenAddress(env));
      if (failure) stderr(`thimble: ${failure}`);
      else stdout("ready");
      return failure ? EXIT.failure : EXIT.ok;
    },
  },
  {
    name: "migrate",
    summary: "bring the database's schema up to date, and exit",
    run: async (_args, { env, clock, stdout }) => {
      const { openStore } = await import("./stores.ts");
      const { store, prepare } = await openStore(parseConfig(env, readSecretFile), clock);
      try {
        stdout(`Migrations applied: ${await prepare()}`);
      } finally {
        await store.close();
      }
      return EXIT.ok;
    },
  },
  {
    name: "key",
    usage: ["new NAME --scope SCOPE[,SCOPE] [--not-before DATE] [--expires DATE]"],
    summary: "make an API key",
    details: `  Prints the line for API_KEYS_FILE on standard output, and the key, which is nowhere kept, on
  standard error:

    thimble key new ci --scope books:read,process --expires 2027-12-31 >> keys.txt

  Scopes: ${SCOPES.join(", ")}.
  A DATE is a day, which begins at midnight UTC, or a time with its zone: 2027-12-31T18:00:00+01:00.`,
    run: async (args, runtime) => {
      const { runKeyCommand } = await import("./key-command.ts");
      await runKeyCommand(args, runtime);
      return EXIT.ok;
    },
  },
  {
    name: "openapi",
    summary: "print the OpenAPI document",
    run: async (_args, { stdout }) => {
      const { openApiDocument } = await import("../docs/openapi.ts");
      stdout(JSON.stringify(openApiDocument(await documentedApp()), null, 2));
      return EXIT.ok;
    },
  },
  {
    name: "--version",
    summary: "print the version",
    run: (_args, { stdout }) => {
      stdout(`${SERVICE.name} ${SERVICE.version}`);
      return EXIT.ok;
    },
  },
  {
    name: "--help",
    summary: "print this",
    run: (_args, { stdout }) => {
      stdout(describeProgram(COMMANDS));
      return EXIT.ok;
    },
  },
];

/**
 * The whole program: from arguments, environment and output to an exit code. It resolves when the
 * program is done, which for `serve` is after a signal.
 */
export async function runCli(args: readonly string[], runtime: Runtime): Promise<number> {
  const [name = "serve", ...rest] = args;
  const command = COMMANDS.find((each) => each.name === name);
  if (!command) {
    runtime.stderr(`thimble: unknown command: ${name}\n\n${describeProgram(COMMANDS)}`);
    return EXIT.usage;
  }
  if (asksForHelp(rest)) {
    runtime.stdout(describeCommand(command));
    return EXIT.ok;
  }
  try {
    if (!command.usage && rest.length > 0) throw new UsageError(`unexpected argument: ${rest[0]}`);
    return await command.run(rest, runtime);
  } catch (error) {
    if (!(error instanceof UsageError)) return reportFailure(error, runtime);
    runtime.stderr(`thimble ${name}: ${error.message}\n\n${usageOf(command)}`);
    return EXIT.usage;
  }
}

function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  const options = end === -1 ? args : args.slice(0, end);
  return options.includes("--help") || options.includes("-h");
}

function reportFailure(error: unknown, { stderr }: Runtime): number {
  const failure = explainFailure(error);
  if (!failure) {
    stderr(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return EXIT.failure;
  }
  const { exitCode, message, problems } = failure;
  stderr(`thimble: ${message}${problems ? ":" : ""}`);
  for (const problem of problems ?? []) stderr(`  - ${problem}`);
  return exitCode;
}

/** An app that is only described, never asked. */
async function documentedApp() {
  const [{ createApp }, { createMemoryBookStore }, { createKeyRing }, { createLogger }] =
    await Promise.all([
      import("../app.ts"),
      import("../books/memory-store.ts"),
      import("../keys/key-ring.ts"),
      import("../logger.ts"),
    ]);
  const clock = () => 0;
  return createApp({
    config: {
      environment: "production",
      debug: false,
      maxBodyBytes: 0,
      requestTimeoutSeconds: 1,
      publicReads: true,
      corsOrigins: [],
    },
    keys: createKeyRing({}, clock),
    store: createMemoryBookStore(clock),
    logger: createLogger({ level: "ERROR", format: "json", clock, write: () => {} }),
    clock,
    newId: () => "",
    readiness: () => "ok",
  });
}

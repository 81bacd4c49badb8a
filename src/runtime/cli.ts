import { parseConfig, parseProbeAddress } from "../config.ts";
import { SERVICE } from "../service.ts";
import { EXIT, explainFailure } from "./failure.ts";
import { checkHealth } from "./healthcheck.ts";
import type { Runtime } from "./runtime.ts";
import { readSecretFile } from "./secret-file.ts";

const HELP = `Usage: thimble [COMMAND]

  serve        serve the API (the default)
  healthcheck  ask the service on this machine whether it is ready: exit 0 or 1
  migrate      bring the database's schema up to date, and exit
  openapi      print the OpenAPI document
  --version    print the version
  --help       print this

Configured by environment variables; see the README.`;

type Command = (runtime: Runtime) => number | Promise<number>;

/** Each loads what it needs when it is called, so that a health check does not load the whole app. */
const COMMANDS: Record<string, Command> = {
  serve: async (runtime) => {
    const { serve } = await import("./serve.ts");
    await serve(runtime);
    return EXIT.ok;
  },
  healthcheck: async ({ env, stdout, stderr }) => {
    const failure = await checkHealth(parseProbeAddress(env));
    if (failure) stderr(`thimble: ${failure}`);
    else stdout("ready");
    return failure ? EXIT.failure : EXIT.ok;
  },
  migrate: async ({ env, clock, stdout }) => {
    const { openStore } = await import("./stores.ts");
    const { store, prepare } = await openStore(parseConfig(env, readSecretFile), clock);
    try {
      stdout(`Migrations applied: ${await prepare()}`);
    } finally {
      await store.close();
    }
    return EXIT.ok;
  },
  openapi: async ({ stdout }) => {
    const { openApiDocument } = await import("../docs/openapi.ts");
    stdout(JSON.stringify(openApiDocument(await documentedApp()), null, 2));
    return EXIT.ok;
  },
  "--version": ({ stdout }) => {
    stdout(`${SERVICE.name} ${SERVICE.version}`);
    return EXIT.ok;
  },
  "--help": ({ stdout }) => {
    stdout(HELP);
    return EXIT.ok;
  },
};

/**
 * The whole program: from arguments, environment and output to an exit code. It resolves when the
 * program is done, which for `serve` is after a signal.
 */
export async function runCli(args: readonly string[], runtime: Runtime): Promise<number> {
  const [name = "serve", ...rest] = args;
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command || rest.length > 0) {
    runtime.stderr(`thimble: unknown command: ${args.join(" ")}\n\n${HELP}`);
    return EXIT.usage;
  }
  try {
    return await command(runtime);
  } catch (error) {
    return reportFailure(error, runtime);
  }
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
  const [{ createApp }, { createMemoryBookStore }, { createLogger }] = await Promise.all([
    import("../app.ts"),
    import("../books/memory-store.ts"),
    import("../logger.ts"),
  ]);
  const clock = () => 0;
  return createApp({
    config: {
      environment: "production",
      apiKey: "",
      debug: false,
      maxBodyBytes: 0,
      requestTimeoutSeconds: 1,
      publicReads: true,
      corsOrigins: [],
    },
    store: createMemoryBookStore(clock),
    logger: createLogger({ level: "ERROR", format: "json", clock, write: () => {} }),
    clock,
    newId: () => "",
    readiness: () => "ok",
  });
}

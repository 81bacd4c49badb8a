import { parseDatabaseConfig, parseProbeAddress } from "../config/config.ts";
import { EXIT, explainFailure } from "../server/failure.ts";
import type { Runtime } from "../server/runtime.ts";
import { readSecretFile } from "../server/secrets/secret-file.ts";
import { RESOURCES, SCOPES, SERVICE } from "../service.ts";
import { type Command, describeCommand, describeProgram, UsageError, usageOf } from "./command.ts";
import { checkHealth } from "./commands/healthcheck.ts";

const NAMES = RESOURCES.map(({ name }) => name).join(" or ");

/** In the order of the help. */
const COMMANDS: readonly Command[] = [
  {
    name: "serve",
    summary: "serve the API (the default)",
    run: async (_args, runtime) => {
      const { serve } = await import("../server/serve.ts");
      await serve(runtime);
      return EXIT.ok;
    },
  },
  {
    name: "healthcheck",
    summary: "ask the service on this machine whether it is ready: exit 0 or 1",
    run: async (_args, { env, stdout, stderr }) => {
      const failure = await checkHealth(parseProbeAddress(env));
      if (failure) stderr(`thimble: ${failure}`);
      else stdout("ready");
      return failure ? EXIT.failure : EXIT.ok;
    },
  },
  {
    name: "migrate",
    summary: "bring the database's schema up to date, and exit",
    run: async (_args, { env, stdout }) => {
      const { openDatabase } = await import("../server/database/open-database.ts");
      const { database } = await openDatabase(parseDatabaseConfig(env, readSecretFile));
      try {
        stdout(`Migrations applied: ${await database.migrate()}`);
      } finally {
        await database.close();
      }
      return EXIT.ok;
    },
  },
  {
    name: "backup",
    usage: [
      "[--without-unknown-tables] FILE",
      "[--without-unknown-tables] --every DURATION --keep N DIRECTORY",
    ],
    summary: "back up the database into a SQLite file, once or on a schedule",
    details: `  FILE is a database that "restore" accepts and that can be served as it is. It is replaced whole.

  --every DURATION          back up at this interval, until a signal comes: 30s, 15m, 24h, 7d
  --keep N                  keep the newest N backups of DIRECTORY, thimble-YYYYMMDDTHHMMSSZ.db
  --without-unknown-tables  on PostgreSQL, leave out tables that are not this service's`,
    run: async (...all) => (await import("./commands/backup.ts")).runBackup(...all),
  },
  {
    name: "restore",
    usage: ["[--force] [--without-unknown-tables] FILE|DIRECTORY"],
    summary: "restore a backup into an empty database, all or nothing",
    details: `  DIRECTORY stands for the newest backup that "backup --every" has made in it.

  --force                   remove what is in the database, for what is in the backup
  --without-unknown-tables  leave out tables of the backup that are not this service's`,
    run: async (...all) => (await import("./commands/restore.ts")).runRestore(...all),
  },
  {
    name: "export",
    usage: ["[RESOURCE] [FILE]", "[RESOURCE] --resume FILE"],
    summary: "write the entries of a resource as NDJSON, to standard output without FILE",
    details: `  RESOURCE is ${NAMES}; it may be left out if there is only one.

  --resume  go on where an export into FILE was cut short, after the last whole line of FILE.part`,
    run: async (...all) => (await import("./commands/export.ts")).runExport(...all),
  },
  {
    name: "import",
    usage: ["[RESOURCE] [FILE]"],
    summary: "add entries to a resource from NDJSON lines, from standard input without FILE",
    details: `  RESOURCE is ${NAMES}; it may be left out if there is only one.

  A line is an entry as "export" writes it, or a new one with the fields that POST expects. If a line is
  wrong, nothing is written. The same command again goes on where one was cut short.`,
    run: async (...all) => (await import("./commands/import.ts")).runImport(...all),
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
    run: async (...all) => (await import("./commands/key.ts")).runKeyCommand(...all),
  },
  {
    name: "openapi",
    summary: "print the OpenAPI document",
    run: async (...all) => (await import("./commands/openapi.ts")).printOpenApi(...all),
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
    run: async (_args, { stdout }) => {
      const { describeAll } = await import("./commands/help.ts");
      stdout(describeAll(COMMANDS));
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

import { parseProbeAddress } from "../config/config.ts";
import { SERVICE } from "../identity.ts";
import { EXIT, explainFailure } from "../server/failure.ts";
import type { Runtime } from "../server/runtime.ts";
import { RESOURCES, SCOPES } from "../service.ts";
import { parseArguments } from "./arguments.ts";
import { type Command, describeCommand, describeProgram, UsageError, usageOf } from "./command.ts";
import { checkHealth } from "./commands/healthcheck.ts";

const NAMES = RESOURCES.map(({ name }) => name).join(" or ");

/** In the order of the help. */
const COMMANDS: readonly Command[] = [
  {
    name: "serve",
    usage: ["[--port PORT]"],
    summary: "serve the API (the default)",
    details: `  --port PORT  the port to listen on, instead of the variable PORT. In a container set the variable, by which
               "healthcheck" finds the service.`,
    run: async (args, runtime) => {
      const { port } = parseArguments(args, { port: { type: "string" } }, 0).values;
      const { serve } = await import("../server/serve.ts");
      await serve(
        port === undefined ? runtime : { ...runtime, env: { ...runtime.env, PORT: port } },
      );
      return EXIT.ok;
    },
  },
  {
    name: "healthcheck",
    summary: "ask the service on this machine whether it is ready: exit 0 or 1",
    run: async (_args, { env, stdout, stderr }) => {
      const failure = await checkHealth(parseProbeAddress(env));
      if (failure) stderr(`${SERVICE.name}: ${failure}`);
      else stdout("ready");
      return failure ? EXIT.failure : EXIT.ok;
    },
  },
  {
    name: "doctor",
    summary: "check configuration, port, keys, database, disk, limits and clock: exit 0 or 1",
    run: async (...all) => (await import("./commands/doctor.ts")).runDoctor(...all),
  },
  {
    name: "migrate",
    usage: ["", "--check"],
    summary: "bring the database's schema up to date, and exit",
    details: `  --check  change nothing, and print which version was found, which this release knows, and from which on
           releases can use it: exit 0 if there is nothing to do, 1 if there are migrations to apply, 78 if
           this release cannot use it`,
    run: async (...all) => (await import("./commands/migrate.ts")).runMigrate(...all),
  },
  {
    name: "backup",
    usage: [
      "[--without-unknown-tables] FILE",
      "[--without-unknown-tables] [--every DURATION] --keep N DIRECTORY",
    ],
    summary: "back up the database into a SQLite file, once or on a schedule",
    details: `  FILE is a database that "restore" accepts and that can be served as it is. It is replaced whole.
  In DIRECTORY, the name of a new backup is the time, and old backups are removed.

  --every DURATION          back up at this interval, until a signal comes: 30s, 15m, 24h, 7d
  --keep N                  keep the newest N backups of DIRECTORY, ${SERVICE.name}-YYYYMMDDTHHMMSSZ.db
  --without-unknown-tables  on PostgreSQL, leave out tables that are not this service's, and columns that a
                            newer release has added`,
    run: async (...all) => (await import("./commands/backup.ts")).runBackup(...all),
  },
  {
    name: "restore",
    usage: ["[--force] [--without-unknown-tables] FILE|DIRECTORY"],
    summary: "restore a backup into an empty database, all or nothing",
    details: `  DIRECTORY stands for the newest backup that "backup --keep" has made in it.

  --force                   remove what is in the database, for what is in the backup
  --without-unknown-tables  leave out tables of the backup that are not this service's, and columns that a
                            newer release has added`,
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

    ${SERVICE.name} key new ci --scope ${SCOPES[0]},process --expires 2027-12-31 >> keys.txt

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
    usage: ["[COMMAND|variables]"],
    summary: "print this, or what there is to know of a command, or of the environment variables",
    run: async (args, { stdout }) => {
      const [topic] = parseArguments(args, {}, 1).positionals;
      stdout(await describeTopic(topic));
      return EXIT.ok;
    },
  },
];

/**
 * The whole program: from arguments, environment and output to an exit code. It resolves when the
 * program is done, which for `serve` is after a signal.
 */
export async function runCli(args: readonly string[], runtime: Runtime): Promise<number> {
  const [name, ...rest] = withCommand(args);
  const command = COMMANDS.find((each) => each.name === name);
  if (!command) {
    runtime.stderr(`${SERVICE.name}: unknown command: ${name}\n\n${describeProgram(COMMANDS)}`);
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
    runtime.stderr(`${SERVICE.name} ${name}: ${error.message}\n\n${usageOf(command)}`);
    return EXIT.usage;
  }
}

/** Other words for a command. */
const ALIASES: Record<string, string> = {
  help: "--help",
  "-h": "--help",
  version: "--version",
  "-v": "--version",
};

/** The arguments with the command that they leave out or name in another way. */
function withCommand([first = "serve", ...rest]: readonly string[]): [string, ...string[]] {
  if (first === "--port" || first.startsWith("--port=")) return ["serve", first, ...rest];
  return [canonical(first), ...rest];
}

function canonical(name: string): string {
  return (Object.hasOwn(ALIASES, name) && ALIASES[name]) || name;
}

async function describeTopic(topic: string | undefined): Promise<string> {
  if (topic === undefined) return describeProgram(COMMANDS);
  if (topic === "variables") return (await import("./commands/help.ts")).describeVariables();
  const command = COMMANDS.find(({ name }) => name === canonical(topic));
  if (command) return describeCommand(command);
  throw new UsageError(`there is no command ${topic}`);
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
  const { exitCode, message, problems = [] } = failure;
  const [problem, ...others] = problems;
  if (problem === undefined) stderr(`${SERVICE.name}: ${message}`);
  else if (others.length === 0) stderr(`${SERVICE.name}: ${message}: ${problem}`);
  else
    stderr([`${SERVICE.name}: ${message}:`, ...problems.map((each) => `  - ${each}`)].join("\n"));
  return exitCode;
}

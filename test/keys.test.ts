import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import postgres from "postgres";
import type { Scope } from "../src/auth/key.ts";
import { runCli } from "../src/cli/cli.ts";
import { METHODS, ROUTES } from "./contract/routes.ts";
import { SCOPES } from "./example/service.ts";
import { readValue } from "./exposition.ts";
import { freshDatabase } from "./postgres.ts";
import { FROM_SOURCE } from "./program.ts";
import { idleRuntime } from "./runtime.ts";
import {
  API_KEY,
  eventually,
  newDirectory,
  type Service,
  startService as start,
  type Variables,
} from "./service.ts";

// On a busy machine, PostgreSQL and the service start slowly.
setDefaultTimeout(60_000);

const PROCESS = "/api/v1/process";
const DAY_MS = 86_400_000;

const startService = (env: Variables) => start({ command: FROM_SOURCE, env });

type NewKey = { line: string; secret: string };

/** The output of `thimble key new`. */
async function newKey(name: string, scope: string, ...dates: string[]): Promise<NewKey> {
  const [out, err]: [string[], string[]] = [[], []];
  const runtime = idleRuntime({
    stdout: (line) => void out.push(line),
    stderr: (line) => void err.push(line),
  });
  const code = await runCli(["key", "new", name, "--scope", scope, ...dates], runtime);
  expect({ code, lines: out.length }).toEqual({ code: 0, lines: 1 });
  const secret = err.join("\n").split("\n").at(-1) ?? "";
  expect(secret).toMatch(/^thb_[\w-]{43}$/);
  return { line: out[0] ?? "", secret };
}

/** Keys are in a file; `API_KEY` is not set. */
async function startWithKeys(text: string, env: Variables = {}) {
  const path = join(newDirectory(), "keys.txt");
  writeFileSync(path, text);
  const service = await startService({ API_KEY: undefined, API_KEYS_FILE: path, ...env });
  return Object.assign(service, { path });
}

function send(service: Service, method: string, path: string, secret?: string) {
  const headers = { "Content-Type": "application/json", ...(secret && { "X-API-Key": secret }) };
  const body = method === "POST" ? '{"action":"echo","data":1}' : null;
  return fetch(service.url + path, { method, headers, body });
}

const echo = (service: Service, secret?: string) => send(service, "POST", PROCESS, secret);

const reloads = (service: Service) =>
  service.log().filter(({ message }) => message === "secrets reloaded").length;

/** Resolves when the service has reloaded secrets this many times. */
function reloaded(service: Service, times: number) {
  return eventually(`${times} reloads`, () => reloads(service) >= times || undefined);
}

/** Clients that send requests without a pause; `stop` returns the number of each status. */
function keepAsking(ask: () => Promise<Response>, clients = 4) {
  let stopped = false;
  const statuses: Record<string, number> = {};
  const asking = Array.from({ length: clients }, async () => {
    while (!stopped) {
      const status = await ask().then(
        (response) => response.arrayBuffer().then(() => String(response.status)),
        (error: unknown) => String(error),
      );
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
  });
  return {
    /** Resolves when each client has sent some more requests. */
    more: async () => {
      const count = () => Object.values(statuses).reduce((sum, each) => sum + each, 0);
      const before = count();
      await eventually("more answers", () => count() > before + 10 * clients || undefined);
    },
    stop: async () => {
      stopped = true;
      await Promise.all(asking);
      return statuses;
    },
  };
}

describe("scopes:", () => {
  const NEEDED: Record<string, Scope> = {
    GET: "books:read",
    POST: "books:write",
    PUT: "books:write",
    PATCH: "books:write",
    DELETE: "books:write",
  };
  /** The scope that a route requires if reads are not public. */
  const neededBy = (method: string, template: string): Scope | undefined => {
    if (template.includes("/books")) return NEEDED[method];
    return template === PROCESS && method === "POST" ? "process" : undefined;
  };

  test("every route requires its own, and accepts admin instead", async () => {
    const keys = await Promise.all(
      SCOPES.map(async (scope) => ({ scope, ...(await newKey(scope.replace(":", "-"), scope)) })),
    );
    const text = keys.map(({ line }) => line).join("\n");
    await using service = await startWithKeys(text, { PUBLIC_READS: "false" });
    for (const { template, methods } of ROUTES) {
      for (const method of METHODS.filter((each) => methods.includes(each))) {
        const needed = neededBy(method, template);
        const path = template.replace("{id}", "99");
        const without = await send(service, method, path);
        expect([method, template, without.status]).toEqual([method, template, needed ? 401 : 200]);
        for (const { scope, secret } of keys) {
          const { status } = await send(service, method, path, secret);
          const allowed = needed === undefined || scope === needed || scope === "admin";
          const refused = status === 401 || status === 403;
          expect([method, template, scope, refused]).toEqual([method, template, scope, !allowed]);
          if (!allowed) expect(status).toBe(403);
        }
      }
    }
  });

  test("HEAD of books requires books:read too", async () => {
    const [reader, writer] = [await newKey("r", "books:read"), await newKey("w", "books:write")];
    await using service = await startWithKeys(`${reader.line}\n${writer.line}\n`, {
      PUBLIC_READS: "false",
    });
    expect((await send(service, "HEAD", "/books", reader.secret)).status).toBe(200);
    expect((await send(service, "HEAD", "/books", writer.secret)).status).toBe(403);
  });

  test("a key may have several, and a refusal names the one that is missing", async () => {
    const { line, secret } = await newKey("ci", "process,books:read");
    await using service = await startWithKeys(line);
    expect((await echo(service, secret)).status).toBe(200);
    const refused = await send(service, "POST", "/books", secret);
    expect(refused.status).toBe(403);
    expect(refused.headers.get("Content-Type")).toBe("application/problem+json");
    expect(refused.headers.get("WWW-Authenticate")).toContain('error="insufficient_scope"');
    expect(await refused.json()).toMatchObject({
      status: 403,
      error: "Insufficient scope",
      detail: "This requires the scope books:write; the key ci has process, books:read.",
    });
  });

  test("books are open to all while PUBLIC_READS is true", async () => {
    const { line, secret } = await newKey("ci", "process");
    await using service = await startWithKeys(line);
    expect((await send(service, "GET", "/books")).status).toBe(200);
    expect((await send(service, "GET", "/books", secret)).status).toBe(200);
  });

  test("API_KEY has every right, also together with other keys", async () => {
    const { line, secret } = await newKey("ci", "process");
    await using service = await startWithKeys(line, { API_KEY });
    expect((await echo(service, API_KEY)).status).toBe(200);
    expect((await send(service, "DELETE", "/books/1", API_KEY)).status).toBe(204);
    expect((await echo(service, secret)).status).toBe(200);
    expect((await send(service, "DELETE", "/books/2", secret)).status).toBe(403);
  });
});

describe("dates:", () => {
  const at = (offsetMs: number) => new Date(Date.now() + offsetMs).toISOString();

  test("a key is valid between its dates, and at other times its holder learns why it is not", async () => {
    const valid = await newKey(
      "valid",
      "process",
      "--not-before",
      at(-DAY_MS),
      "--expires",
      at(DAY_MS),
    );
    const expired = await newKey("expired", "process");
    expired.line += " expires=2026-01-31";
    const early = await newKey("early", "process", "--not-before", "2999-01-01T00:00:00+01:00");
    await using service = await startWithKeys(`${valid.line}\n${expired.line}\n${early.line}`);
    expect((await echo(service, valid.secret)).status).toBe(200);
    for (const [secret, detail] of [
      [expired.secret, "The key expired expired at 2026-01-31T00:00:00.000Z."],
      [early.secret, "The key early is not valid before 2998-12-31T23:00:00.000Z."],
    ]) {
      const refused = await echo(service, secret);
      expect(refused.status).toBe(401);
      expect(await refused.json()).toMatchObject({ error: "Invalid API key", detail });
    }
  });

  test("a key becomes valid by itself", async () => {
    const { line, secret } = await newKey("soon", "process", "--not-before", at(1000));
    await using service = await startWithKeys(line);
    await eventually("it is valid", async () => {
      const { status } = await echo(service, secret);
      if (status !== 401) expect(status).toBe(200);
      return status === 200 || undefined;
    });
    expect(reloads(service)).toBe(0);
  });
});

test("the access log names the key, and nothing shows its secret", async () => {
  const { line, secret } = await newKey("ci", "process");
  const wrong = "thb_hidden-hidden-hidden-hidden";
  await using service = await startWithKeys(line, { API_KEY, DEBUG: "true" });
  await echo(service, secret);
  await send(service, "POST", "/books", secret);
  await echo(service, API_KEY);
  await echo(service, wrong);
  await echo(service);
  writeFileSync(service.path, `${line}\n# ${secret}\n${wrong}`);
  await service.logged("secrets not reloaded");
  const lines = service.log().filter(({ message }) => message === "request");
  expect(lines.map(({ status, key_name }) => [status, key_name])).toEqual([
    [200, "ci"],
    [403, "ci"],
    [200, "default"],
    [401, undefined],
    [401, undefined],
  ]);
  const digest = /sha256:(\w+)/.exec(line)?.[1] ?? "";
  for (const hidden of [secret, API_KEY, wrong, digest, "hidden"]) {
    expect(service.stdout() + service.stderr()).not.toContain(hidden);
  }
});

describe("wrong keys", () => {
  const RIGHT = { "X-API-Key": API_KEY };
  const WRONG = { "X-API-Key": "a-key-that-is-wrong" };

  /** Sends a request from an address of this machine. */
  const askFrom = (service: Service, localAddress: string, headers: Record<string, string>) =>
    new Promise<{ status: number | undefined; retryAfter: string | undefined; body: string }>(
      (resolve, reject) => {
        const options = { method: "POST", localAddress, agent: false, headers };
        const request = httpRequest(service.url + PROCESS, options, (response) => {
          let body = "";
          response.setEncoding("utf8").on("data", (text) => {
            body += text;
          });
          const { statusCode: status, headers: answered } = response;
          const retryAfter = answered["retry-after"];
          response.on("end", () => resolve({ status, retryAfter, body }));
        });
        request.on("error", reject).end();
      },
    );
  const statusFrom = async (...args: Parameters<typeof askFrom>) => (await askFrom(...args)).status;

  test("beyond the limit are a 429, and a right key is accepted from any address", async () => {
    await using service = await startService({ AUTH_FAILURE_LIMIT: "3/hour" });
    for (let turn = 0; turn < 3; turn += 1) {
      expect(await statusFrom(service, "127.0.0.1", WRONG)).toBe(401);
    }
    const { status, retryAfter, body } = await askFrom(service, "127.0.0.1", WRONG);
    expect(status).toBe(429);
    expect(Number(retryAfter)).toBeWithin(3500, 3601);
    expect(JSON.parse(body)).toMatchObject({ error: "Too many failed authentications" });
    for (const address of ["127.0.0.1", "127.0.0.2"]) {
      expect(await statusFrom(service, address, RIGHT)).toBe(400);
    }
    expect((await send(service, "GET", "/metrics", API_KEY)).status).toBe(200);
    // A request without a key is not a guess.
    expect(await statusFrom(service, "127.0.0.1", {})).toBe(401);
    expect((await send(service, "GET", "/books", "a-key-that-is-wrong")).status).toBe(200);
  });

  test("are counted and logged on public routes", async () => {
    await using service = await startService({});
    for (let turn = 0; turn < 10; turn += 1) {
      expect((await send(service, "GET", "/books", "a-key-that-is-wrong")).status).toBe(200);
    }
    const metrics = await (await send(service, "GET", "/metrics", API_KEY)).text();
    expect(readValue(metrics, "thimble_wrong_keys_total")).toBe(10);
    const lines = await eventually("the second line", () => {
      const found = service.log().filter(({ message }) => message === "wrong key");
      return found.length > 1 ? found : undefined;
    });
    expect(lines.map(({ wrong_keys }) => wrong_keys)).toEqual([1, 10]);
  });

  test("that come at once count like those one after the other", async () => {
    await using service = await startService({ AUTH_FAILURE_LIMIT: "5/hour" });
    const statuses = await Promise.all(
      Array.from({ length: 50 }, () => statusFrom(service, "127.0.0.1", WRONG)),
    );
    expect(statuses.filter((status) => status === 401)).toHaveLength(5);
    expect(statuses.filter((status) => status === 429)).toHaveLength(45);
  });

  test("are forgotten when the window ends", async () => {
    await using service = await startService({ AUTH_FAILURE_LIMIT: "1/second" });
    expect(await statusFrom(service, "127.0.0.1", WRONG)).toBe(401);
    await eventually("a 401 again", async () => {
      const { status, retryAfter } = await askFrom(service, "127.0.0.1", WRONG);
      if (status === 429) expect(retryAfter).toBe("1");
      return status === 401 || undefined;
    });
  });

  test("a request without a key is not a failure", async () => {
    await using service = await startService({ AUTH_FAILURE_LIMIT: "1/hour" });
    for (let turn = 0; turn < 5; turn += 1) {
      expect(await statusFrom(service, "127.0.0.1", {})).toBe(401);
    }
    expect(await statusFrom(service, "127.0.0.1", WRONG)).toBe(401);
  });
});

describe("rotation, while clients send requests without a pause,", () => {
  /** Puts a text into the place from which keys are read; first before the service starts. */
  type Place = { path: string; put: (text: string) => void };

  const places: [how: string, open: () => Place][] = [
    [
      "by writing the file in place",
      () => {
        const path = join(newDirectory(), "keys.txt");
        return { path, put: (text) => writeFileSync(path, text) };
      },
    ],
    [
      "by renaming another file over it",
      () => {
        const path = join(newDirectory(), "keys.txt");
        const put = (text: string) => {
          writeFileSync(`${path}.new`, text);
          renameSync(`${path}.new`, path);
        };
        return { path, put };
      },
    ],
    [
      "by a swap of links, as Kubernetes does it",
      () => {
        const directory = newDirectory();
        const path = join(directory, "keys.txt");
        let version = 0;
        const put = (text: string) => {
          version += 1;
          mkdirSync(join(directory, `..${version}`));
          writeFileSync(join(directory, `..${version}`, "keys.txt"), text);
          symlinkSync(`..${version}`, join(directory, "..data_tmp"));
          renameSync(join(directory, "..data_tmp"), join(directory, "..data"));
          if (version === 1) symlinkSync("..data/keys.txt", path);
          rmSync(join(directory, `..${version - 1}`), { recursive: true, force: true });
        };
        return { path, put };
      },
    ],
  ];

  for (const [how, open] of places) {
    test(`${how} fails no request`, async () => {
      const [old, next] = [await newKey("ci-1", "process"), await newKey("ci-2", "process")];
      const { path, put } = open();
      put(`${old.line}\n`);
      await using service = await startService({ API_KEY: undefined, API_KEYS_FILE: path });
      let { secret } = old;
      const clients = keepAsking(() => echo(service, secret));
      await clients.more();
      put(`# both\n${old.line}\n${next.line}\n`);
      await reloaded(service, 1);
      secret = next.secret;
      await clients.more();
      put(`${next.line}\n`);
      await reloaded(service, 2);
      await clients.more();
      expect(Object.keys(await clients.stop())).toEqual(["200"]);
      expect((await echo(service, old.secret)).status).toBe(401);
      expect(service.log().filter(({ level }) => level === "ERROR")).toEqual([]);
      expect(await service.stop()).toEqual({ code: 0, signal: null });
    });
  }

  test("of a single API_KEY is possible too", async () => {
    const path = join(newDirectory(), "key");
    writeFileSync(path, API_KEY);
    await using service = await startService({ API_KEY: undefined, API_KEY_FILE: path });
    writeFileSync(path, "another-key-of-16\n");
    await reloaded(service, 1);
    expect((await echo(service, "another-key-of-16")).status).toBe(200);
    expect((await echo(service, API_KEY)).status).toBe(401);
  });

  test("with a broken file has no effect until the file is corrected", async () => {
    const [old, next] = [await newKey("a", "process"), await newKey("b", "process")];
    await using service = await startWithKeys(old.line);
    const clients = keepAsking(() => echo(service, old.secret));
    writeFileSync(service.path, `${old.line}\n\n${next.line} forever\nb wrong\n`);
    const refused = await service.logged("secrets not reloaded");
    expect(refused).toMatchObject({
      level: "ERROR",
      problems: [
        expect.stringMatching(/^API_KEYS_FILE line 3: after the digest only not-before=DATE/),
        expect.stringMatching(/^API_KEYS_FILE line 4: scopes are /),
      ],
    });
    await clients.more();
    rmSync(service.path);
    await eventually("the missing file is logged", () =>
      service.log().find(({ problems }) => String(problems).includes("cannot be read: ENOENT")),
    );
    await clients.more();
    expect((await echo(service, next.secret)).status).toBe(401);
    writeFileSync(service.path, `${old.line}\n${next.line}\n`);
    await reloaded(service, 1);
    expect((await echo(service, next.secret)).status).toBe(200);
    expect(Object.keys(await clients.stop())).toEqual(["200"]);
  });

  test("is not held up by a FIFO in the place of the file", async () => {
    const [old, next] = [await newKey("a", "process"), await newKey("b", "process")];
    await using service = await startWithKeys(old.line);
    rmSync(service.path);
    expect(Bun.spawnSync(["mkfifo", service.path]).exitCode).toBe(0);
    expect(await service.logged("secrets not reloaded")).toMatchObject({
      level: "ERROR",
      problems: [
        `API_KEYS_FILE names ${service.path}, which is a FIFO (named pipe); name a regular file`,
      ],
    });
    rmSync(service.path);
    writeFileSync(service.path, next.line);
    await reloaded(service, 1);
    expect((await echo(service, old.secret)).status).toBe(401);
    expect((await echo(service, next.secret)).status).toBe(200);
  });

  test("happens at once with a SIGHUP, which does not end the service", async () => {
    const [old, next] = [await newKey("a", "process"), await newKey("b", "process")];
    await using service = await startWithKeys(old.line);
    const clients = keepAsking(() => echo(service, old.secret));
    for (let times = 1; times <= 3; times += 1) {
      service.kill("SIGHUP");
      await reloaded(service, times);
    }
    writeFileSync(service.path, `${old.line}\n${next.line}`);
    service.kill("SIGHUP");
    await reloaded(service, 4);
    expect(service.log().findLast(({ message }) => message === "secrets reloaded")).toMatchObject({
      level: "INFO",
      keys: 2,
    });
    expect((await echo(service, next.secret)).status).toBe(200);
    expect(Object.keys(await clients.stop())).toEqual(["200"]);
  });
});

describe("PostgreSQL, while clients send requests without a pause,", () => {
  /** A database whose owner is a role with this password. */
  async function ownedDatabase(password: string) {
    const { url: adminUrl, drop } = await freshDatabase();
    const admin = postgres(adminUrl, { max: 1, onnotice: () => {} });
    const { host, pathname } = new URL(adminUrl);
    const role = `role_of_${pathname.slice(1)}`;
    const setPassword = async (next: string) => {
      await admin.unsafe(`ALTER ROLE ${role} PASSWORD '${next}'`);
    };
    await admin.unsafe(`CREATE ROLE ${role} LOGIN PASSWORD '${password}'`);
    await admin.unsafe(`ALTER SCHEMA public OWNER TO ${role}`);
    return {
      url: `postgres://${role}@${host}${pathname}`,
      setPassword,
      /** Closes every connection of the service. */
      disconnect: async () => {
        await admin`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = ${role}`;
      },
      [Symbol.asyncDispose]: async () => {
        await admin.unsafe(`REASSIGN OWNED BY ${role} TO CURRENT_USER`);
        await admin.unsafe(`DROP OWNED BY ${role}`);
        await admin.unsafe(`DROP ROLE ${role}`);
        await admin.end();
        await drop();
      },
    };
  }

  test("gets another password without a failed request", async () => {
    await using database = await ownedDatabase("first");
    const path = join(newDirectory(), "password");
    writeFileSync(path, "first\n");
    await using service = await startService({
      DATABASE_URL: database.url,
      DATABASE_PASSWORD_FILE: path,
      // A new one could be made between the two changes, and be refused.
      DATABASE_POOL_SIZE: "1",
    });
    const clients = keepAsking(() => fetch(`${service.url}/books`));
    await clients.more();
    await database.setPassword("second");
    await clients.more();
    writeFileSync(path, "second\n");
    await reloaded(service, 1);
    await clients.more();
    // In the other order, open connections stay while the password is not correct yet.
    writeFileSync(path, "third\n");
    await reloaded(service, 2);
    await clients.more();
    await database.setPassword("third");
    await clients.more();
    expect(Object.keys(await clients.stop())).toEqual(["200"]);
    await database.disconnect();
    await eventually("new connections", async () => {
      const { status } = await fetch(`${service.url}/books`);
      return status === 200 || undefined;
    });
    expect(service.stdout()).not.toMatch(/first|second|third/);
  });

  test("is replaced by another database without a failed request", async () => {
    const [first, second] = [await freshDatabase(), await freshDatabase()];
    const path = join(newDirectory(), "url");
    writeFileSync(path, first.url);
    await using service = await startService({
      DATABASE_URL: undefined,
      DATABASE_URL_FILE: path,
      DATABASE_POOL_SIZE: "2",
    });
    const everyBook = async () => (await fetch(`${service.url}/books`)).json();
    expect(await everyBook()).toMatchObject({ items: [{ id: 1 }, { id: 2 }] });
    const clients = keepAsking(() => fetch(`${service.url}/books`), 8);
    await clients.more();
    writeFileSync(path, second.url);
    await reloaded(service, 1);
    await clients.more();
    expect(Object.keys(await clients.stop())).toEqual(["200"]);
    expect(await everyBook()).toMatchObject({ items: [] });
    writeFileSync(path, "memory:");
    const { problems } = await service.logged("secrets not reloaded");
    expect(problems).toEqual([expect.stringContaining("requires a restart")]);
    expect(await everyBook()).toMatchObject({ items: [] });
    await service.stop();
    await Promise.all([first.drop(), second.drop()]);
  });
});

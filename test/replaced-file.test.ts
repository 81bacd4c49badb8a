import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync, renameSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { startService } from "./child-service.ts";
import { newDirectory, until } from "./service.ts";

setDefaultTimeout(30_000);

const BOOK = { title: "Dune", author: "Frank Herbert", year: 1965 };

const changes: { what: string; change: (path: string) => void; says: string }[] = [
  { what: "removed", change: (path) => rmSync(path), says: "thimble.db was removed" },
  {
    what: "replaced by another file",
    change(path) {
      copyFileSync(path, `${path}.new`);
      renameSync(`${path}.new`, path);
    },
    says: "thimble.db was replaced by another file",
  },
  { what: "cut", change: (path) => truncateSync(path, 0), says: "thimble.db was cut" },
  {
    what: "left without its write-ahead log",
    change: (path) => rmSync(`${path}-wal`),
    says: "thimble.db-wal was removed",
  },
];

describe("after the SQLite file of a running service is", () => {
  for (const { what, change, says } of changes) {
    for (const when of ["before the first write", "after it"]) {
      test(`${what} ${when}, no write is acknowledged, and the log says why`, async () => {
        const directory = newDirectory();
        const service = await startService({ DATA_DIR: directory, SEED: "false" });
        try {
          if (when === "after it") {
            expect((await service.send("POST", "/books", BOOK)).status).toBe(201);
          }
          expect((await service.fetch("/ready")).status).toBe(200);
          change(join(directory, "thimble.db"));
          expect((await service.send("POST", "/books", BOOK)).status).toBe(503);
          const ready = await service.fetch("/ready");
          expect(ready.status).toBe(503);
          expect(await ready.json()).toMatchObject({ checks: { database: "unavailable" } });
          expect((await service.fetch("/healthz")).status).toBe(200);
          await until("the log says it", () =>
            service
              .log()
              .some(({ level, cause }) => level === "ERROR" && String(cause).includes(says)),
          );
        } finally {
          await service.kill();
        }
      });
    }
  }
});

import { join } from "node:path";
import { tagOf } from "../container/images.ts";
import { buildFrom } from "../container/stand-ins.ts";
import { oneMoreMigration } from "../one-more-migration.ts";

const ROOT = join(import.meta.dir, "../..");

/** A later release: the same program in an image of its own. */
export function nextRelease(): Promise<string> {
  return buildFrom("next", { Dockerfile: `FROM ${tagOf("standard")}\nLABEL release=next\n` });
}

/** A release that migrates the database, and then crashes. */
export async function migratingRelease(): Promise<string> {
  const { outputs } = await Bun.build({
    entrypoints: [join(ROOT, "src/adapters/bun.ts")],
    target: "bun",
    plugins: [oneMoreMigration],
  });
  const program = (await outputs[0]?.text()) ?? "";
  const { packageManager } = await Bun.file(join(ROOT, "package.json")).json();
  return await buildFrom("migrating", {
    "program.js": program,
    Dockerfile: `FROM oven/bun:${packageManager.replace("bun@", "")}-slim
COPY program.js /
USER 65532
ENTRYPOINT ["sh", "-c", "bun /program.js migrate && exit 70"]
`,
  });
}

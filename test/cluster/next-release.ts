import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { BunPlugin } from "bun";
import { build } from "../../scripts/build/executable.ts";
import { docker } from "../../scripts/shell/commands.ts";
import { postgresMigrations } from "../../src/database/migrations/postgres.ts";
import { tagOf } from "../container/images.ts";
import { inTemporaryDirectory } from "../service.ts";

const version = postgresMigrations.length + 1;

/** Gives the service one more migration, to which the release of this checkout fits too. */
const oneMoreMigration: BunPlugin = {
  name: "one more migration",
  setup({ onLoad }) {
    onLoad({ filter: /\/src\/database\/migrations\/postgres\.ts$/ }, async ({ path }) => {
      const text = await Bun.file(path).text();
      const sql = "CREATE TABLE next_release (id integer)";
      const compatibleFrom = version - 1;
      const migration = JSON.stringify({ version, name: "next-release", compatibleFrom, sql });
      return { contents: text.replace(/\];\s*$/, `${migration}];`), loader: "ts" };
    });
  },
};

/** Builds the image of the release after this one: only its executable is another one. */
export async function buildNextRelease(): Promise<void> {
  await inTemporaryDirectory(async (directory) => {
    const context = join(directory, "context");
    mkdirSync(context);
    await build(join(context, "thimble"), { plugins: [oneMoreMigration] });
    const dockerfile = join(directory, "Dockerfile");
    await Bun.write(dockerfile, `FROM ${tagOf("standard")}\nCOPY thimble /thimble\n`);
    await docker("build", "--quiet", `--tag=${tagOf("next")}`, `--file=${dockerfile}`, context);
  });
}

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { build } from "../../scripts/build/executable.ts";
import { docker } from "../../scripts/shell/commands.ts";
import { tagOf } from "../container/images.ts";
import { oneMoreMigration } from "../one-more-migration.ts";
import { inTemporaryDirectory } from "../service.ts";

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

// Takes the bill of materials out of an image, for a scanner:
//
//   bun scripts/image/files.ts IMAGE FILE [ARCHITECTURE]
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { run } from "../shell/commands.ts";
import { runMain, UsageError } from "../shell/main.ts";

export const SBOM = "/sbom.cdx.json";

/**
 * Copies files out of an image, each to the path that it is given here. The image is not run, so it may be
 * of another architecture (`arm64`) than this machine.
 */
export async function copyFromImage(
  image: string,
  files: Readonly<Record<string, string>>,
  architecture?: string,
): Promise<void> {
  const platform = architecture ? [`--platform=linux/${architecture}`] : [];
  const id = await run("docker", "create", ...platform, image);
  try {
    for (const [from, to] of Object.entries(files)) {
      mkdirSync(dirname(to), { recursive: true });
      await run("docker", "cp", `${id}:${from}`, to);
    }
  } finally {
    await run("docker", "rm", "--volumes", id);
  }
}

async function main(): Promise<void> {
  const [image, file, architecture] = process.argv.slice(2);
  if (!image || !file) throw new UsageError("expected IMAGE FILE [ARCHITECTURE]");
  await copyFromImage(image, { [SBOM]: file }, architecture);
}

if (import.meta.main) await runMain(main);

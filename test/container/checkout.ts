import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type Checkout = ReturnType<typeof copyCheckout>;

/** A copy of this checkout, like a new user's clone, without ignored files. */
export function copyCheckout() {
  const directory = mkdtempSync(join(tmpdir(), "thimble-checkout-"));
  const list = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const files = Bun.spawnSync(list).stdout.toString().split("\0").filter(Boolean);
  for (const file of files) if (existsSync(file)) cpSync(file, join(directory, file));
  return {
    directory,
    path: (file: string) => join(directory, file),
    /** Runs a command in the copy. */
    run: (command: string[], env: Record<string, string> = {}) => run(directory, command, env),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** Runs a command to its end; its output is both streams, in the order they were written. */
export async function run(cwd: string, command: string[], env: Record<string, string>) {
  const child = Bun.spawn(["sh", "-c", 'exec "$@" 2>&1', "sh", ...command], {
    cwd,
    env: { ...process.env, ...env },
    stdout: "pipe",
  });
  const output = await new Response(child.stdout).text();
  return { output, status: await child.exited };
}

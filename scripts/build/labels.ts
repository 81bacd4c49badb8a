import packageJson from "../../package.json" with { type: "json" };
import { setOutput } from "../shell/github.ts";
import { runMain } from "../shell/main.ts";

/**
 * What the image says of itself, from git. The time is that of the commit, unless SOURCE_DATE_EPOCH is
 * set (https://reproducible-builds.org/specs/source-date-epoch/), so that one commit makes one image.
 */
export function buildArguments(): Record<string, string> {
  const epoch = process.env.SOURCE_DATE_EPOCH || git("log", "-1", "--format=%ct") || "0";
  return {
    SOURCE_DATE_EPOCH: epoch,
    CREATED: new Date(Number(epoch) * 1000).toISOString(),
    REVISION: git("rev-parse", "HEAD") ?? "unknown",
    SOURCE: webAddress(git("remote", "get-url", "origin") ?? "") ?? "unknown",
    VERSION: versionOf(git("describe", "--tags", "--match=v*", "--always", "--dirty")),
  };
}

/** `1.2.0` for a release, `1.2.0-rc.1` for a pre-release, else the package's version and git's words. */
export function versionOf(described = "unknown"): string {
  const isTag = !/-(\d+-g[0-9a-f]+|dirty)$/.test(described);
  const release = /^v(\d+\.\d+\.\d+(-[\w.-]+)?)$/.exec(described)?.[1];
  return isTag && release ? release : `${packageJson.version}+${described}`;
}

/** The page of a git remote, without credentials; nothing where the remote is a path. */
export function webAddress(remote: string): string | undefined {
  const [, host, path] =
    /^(?:(?:https?|ssh|git):\/\/)?(?:[^@/]+@)?([\w.-]+\.\w+)(?::\d+)?[:/](.+?)(?:\.git)?\/?$/.exec(
      remote,
    ) ?? [];
  return host && path ? `https://${host}/${path}` : undefined;
}

function git(...args: string[]): string | undefined {
  if (Bun.which("git") === null) return undefined;
  const { success, stdout } = Bun.spawnSync(["git", ...args], { stderr: "ignore" });
  return success ? stdout.toString().trim() : undefined;
}

/** Gives them to the steps of a workflow, a line each. */
if (import.meta.main) {
  await runMain(() => {
    const lines = Object.entries(buildArguments()).map(([name, value]) => `${name}=${value}`);
    setOutput("arguments", lines.join("\n"));
  });
}

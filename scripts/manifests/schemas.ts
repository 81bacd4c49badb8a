// What Kubernetes says of each kind, from packages that are made of its own definitions: schemas for values, and
// types for names of fields, which schemas let pass.
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { groupOf, type Manifest } from "./manifest.ts";

/** A folder without programs: what Bun has once looked into, it takes to be without packages for ever. */
const PACKAGES = join(import.meta.dir, "packages");
const TSC = join(import.meta.dir, "../../node_modules/.bin/tsc");

/** Installs the packages from their lockfile. @returns whether there were none before. @throws {Error} */
export function installSchemas(): boolean {
  const wereThere = existsSync(join(PACKAGES, "node_modules"));
  const command = [process.execPath, "install", "--frozen-lockfile", "--silent"];
  const { success, stderr } = Bun.spawnSync(command, { cwd: PACKAGES });
  if (!success) throw new Error(`the schemas could not be installed: ${stderr.toString().trim()}`);
  return !wereThere;
}

/** The package that knows the kinds of a group; the core and the groups of Kubernetes are in one. */
function packageOf(manifest: Manifest): string {
  const group = groupOf(manifest);
  if (group.endsWith("toolkit.fluxcd.io")) return "@kubernetes-models/flux-cd";
  if (group === "gateway.networking.k8s.io") return "@kubernetes-models/gateway-api";
  if (group === "external-secrets.io") return "@kubernetes-models/external-secrets";
  if (group === "monitoring.coreos.com") return "@kubernetes-models/prometheus-operator";
  if (group !== "argoproj.io") return "kubernetes-models";
  const isRollout = /^(Rollout|Analysis|Experiment)/.test(manifest.kind);
  return isRollout ? "@kubernetes-models/argo-rollouts" : "@kubernetes-models/argo-cd";
}

const CLOUDNATIVE_PG = "postgresql.cnpg.io";

type Model = new (manifest: Manifest) => { validate: () => void };
type ValidationError = { errors?: { instancePath: string; message?: string }[] };

/** What a schema finds wrong: missing fields, wrong types, values out of range. */
export async function schemaProblems(manifest: Manifest): Promise<string[]> {
  // Its package has types only.
  if (groupOf(manifest) === CLOUDNATIVE_PG) return [];
  const { apiVersion, kind } = manifest;
  let Model: Model | undefined;
  try {
    const path = join(PACKAGES, "node_modules", packageOf(manifest), apiVersion, `${kind}.js`);
    const module: Record<string, Model> = await import(path);
    Model = module[kind];
  } catch {}
  if (Model === undefined) return [`there is no kind ${kind} in ${apiVersion}`];
  try {
    new Model(manifest).validate();
    return [];
  } catch (error) {
    const { errors = [] } = error as ValidationError;
    if (errors.length === 0) throw error;
    return errors.map(({ instancePath, message }) => `${instancePath} ${message}`);
  }
}

/** The name of a manifest's type, and where it comes from. */
function typeOf(manifest: Manifest): { name: string; from: string } {
  const { apiVersion, kind } = manifest;
  if (groupOf(manifest) === CLOUDNATIVE_PG) {
    return { name: `${kind}Props`, from: "@cdk8s-kit/crds/pg" };
  }
  return { name: `I${kind}`, from: `${packageOf(manifest)}/${apiVersion}/${kind}` };
}

/** These types have no apiVersion and kind, which the class adds. */
function withoutHead(manifest: Manifest): object {
  if (groupOf(manifest) !== CLOUDNATIVE_PG) return manifest;
  const { apiVersion, kind, ...rest } = manifest;
  return rest;
}

/** What TypeScript says of values that are right: these types have a class for quantities such as 512Mi. */
const QUANTITY = /Type '(string|number)' is not assignable to type 'ClusterSpecResources\w+'/;

/**
 * What TypeScript finds wrong with each of the manifests, above all fields that do not exist: each becomes a literal
 * that has to satisfy the type of its kind.
 */
export function typeProblems(manifests: readonly Manifest[]): string[][] {
  const problems: string[][] = manifests.map(() => []);
  if (manifests.length === 0) return problems;
  const directory = mkdtempSync(join(tmpdir(), "manifests-"));
  try {
    symlinkSync(join(PACKAGES, "node_modules"), join(directory, "node_modules"));
    for (const [index, manifest] of manifests.entries()) {
      const { name, from } = typeOf(manifest);
      // Names without quotes, for which the compiler knows what they should be.
      const literal = JSON.stringify(withoutHead(manifest), null, 1).replaceAll(
        /^( +)"(\w+)":/gm,
        "$1$2:",
      );
      const text = `import type { ${name} } from "${from}";\n(${literal}) satisfies ${name};\n`;
      writeFileSync(join(directory, `${index}.ts`), text);
    }
    for (const line of compile(directory)) {
      const [, index, message = ""] = /^(\d+)\.ts\(\d+,\d+\): error (.+)$/.exec(line) ?? [];
      if (index === undefined) throw new Error(`the types could not be checked: ${line}`);
      if (!QUANTITY.test(message)) problems[Number(index)]?.push(message);
    }
    return problems;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The lines of the compiler's messages, without the indented ones, which explain them. */
function compile(directory: string): string[] {
  const config = {
    compilerOptions: {
      noEmit: true,
      strict: true,
      skipLibCheck: true,
      types: [],
      module: "preserve",
      target: "esnext",
    },
    include: ["*.ts"],
  };
  writeFileSync(join(directory, "tsconfig.json"), JSON.stringify(config));
  const { stdout } = Bun.spawnSync([TSC, "--project", directory], { cwd: directory });
  return stdout
    .toString()
    .split("\n")
    .filter((line) => /^\S/.test(line));
}

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Resource, requireDistinct } from "../../src/resources/resource.ts";
import { outputOf } from "../shell/commands.ts";
import { UsageError } from "../shell/main.ts";
import { type Change, fromRoot, ROOT } from "./changes.ts";
import type { NewResource } from "./definition.ts";
import { MAKERS } from "./fields.ts";

const SERVICE = "src/service.ts";
const LIST = /^(export const RESOURCES = \[)([^\]]*)(\])/m;

/** The contract test of a resource, which its owner adds tests to. */
export const testOf = (file: string) => `test/resources/${file.replace(/\.ts$/, ".test.ts")}`;

/** The definition of a resource, mounted, with its test. @throws {UsageError} where a name is taken. */
export function mount(added: NewResource, mounted: readonly Resource[]): Change[] {
  const { resource, variable, file, source } = added;
  requireFree(added, mounted);
  return [
    { path: `src/${file}`, content: source },
    { path: SERVICE, content: withResource(readFileSync(fromRoot(SERVICE), "utf8"), added) },
    { path: testOf(file), content: testSource(resource, { variable, file }) },
  ];
}

function requireFree(
  { resource, variable, file }: NewResource,
  mounted: readonly Resource[],
): void {
  try {
    requireDistinct([...mounted, resource]);
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(error.message) : error;
  }
  if (!isVariable(variable)) {
    throw new UsageError(`${resource.name} is a word of TypeScript; choose another name`);
  }
  for (const path of [`src/${file}`, `src/${file.replace(/\.ts$/, "")}`, testOf(file)]) {
    if (existsSync(fromRoot(path))) {
      throw new UsageError(`${path} is there already; choose another name than ${resource.name}`);
    }
  }
}

/** Whether a definition and the list of resources can have a constant of this name. */
function isVariable(name: string): boolean {
  if (Object.hasOwn(MAKERS, name) || name === "defineResource") return false;
  try {
    new Function(`"use strict"; const ${name} = 0;`);
    return true;
  } catch {
    return false;
  }
}

function testSource({ name }: Resource, { variable, file }: { variable: string; file: string }) {
  return `// What every resource promises, and below it what ${name.replaceAll("_", " ")} alone promise.
import { ${variable} } from "../../src/${file}";
import { resourceContract } from "./contract.ts";

resourceContract(${variable});
`;
}

/** The source of the service with one resource more. */
export function withResource(
  source: string,
  { variable, file }: { variable: string; file: string },
): string {
  const names = namesIn(source);
  const first = source.indexOf("import ");
  return `${source.slice(0, first)}import { ${variable} } from "./${file}";\n${source.slice(first)}`.replace(
    LIST,
    (_, before, _names, after) => before + [...names, variable].join(", ") + after,
  );
}

/** The source of the service with one resource less. */
export function withoutResource(source: string, variable: string): string {
  const names = namesIn(source).filter((name) => name !== variable);
  return source
    .replace(importOf(variable), "")
    .replace(LIST, (_, before, _names, after) => before + names.join(", ") + after);
}

const importOf = (variable: string) =>
  new RegExp(`^import \\{ ${variable} \\} from "\\./([\\w-]+\\.ts)";\n`, "m");

/** The variables of the resources, in order. */
function namesIn(source: string): string[] {
  const names = LIST.exec(source)?.[2];
  if (names === undefined) throw new Error(`${SERVICE} has no RESOURCES = [...]; look at it`);
  return names.split(",").flatMap((name) => name.trim() || []);
}

/** Takes a resource out of the service, with its definition and its test. */
export async function unmount(resource: Resource, mounted: readonly Resource[]): Promise<Change[]> {
  if (mounted.length === 1) {
    throw new UsageError(`${resource.name} is the only resource; add another one first`);
  }
  const source = readFileSync(fromRoot(SERVICE), "utf8");
  const variable = namesIn(source)[mounted.indexOf(resource)] ?? "";
  const file = importOf(variable).exec(source)?.[1];
  if (file === undefined) throw new Error(`${SERVICE} imports ${variable} from no file next to it`);
  const users = await usersOf(file);
  if (users.length > 0) {
    throw new UsageError(`these use src/${file}; change them first:\n  ${users.join("\n  ")}`);
  }
  const test = testOf(file);
  return [
    { path: `src/${file}` },
    { path: SERVICE, content: withoutResource(source, variable) },
    ...(existsSync(fromRoot(test)) ? [{ path: test }] : []),
  ];
}

/** The files that import a definition, besides the service and its own test. */
async function usersOf(file: string): Promise<string[]> {
  const listed = await outputOf(
    "git",
    "-C",
    ROOT,
    "ls-files",
    "--cached",
    "--others",
    "--exclude-standard",
    "--",
    "*.ts",
  );
  const own = [SERVICE, testOf(file)];
  return listed.split("\n").filter((path) => {
    if (own.includes(path) || !existsSync(fromRoot(path))) return false;
    const imports = readFileSync(fromRoot(path), "utf8").matchAll(/ from "(\.[^"]+)"/g);
    return Array.from(imports, ([, to = ""]) => join(dirname(path), to)).includes(`src/${file}`);
  });
}

// Adds a resource to the service, or removes one:
//
//   npm run resource -- add NAME FIELD...    writes its definition and its test, mounts it, and makes its table
//   npm run resource -- add NAME             makes the table of one that is in RESOURCES of src/service.ts already
//   npm run resource -- remove NAME          the opposite
//
// A FIELD is name:kind, name:kind(options), or one of them with ? where the field is optional: "title:text(200)",
// done:boolean, "due:instant?", "stars:integer(1..5)", "share:number(0..1)", "state:choice(open|closed)". With
// --one NAME, one entry has another name than that of all without its last s.
import { parseArgs } from "node:util";
import type { Resource } from "../../src/resources/resource.ts";
import { RESOURCES } from "../../src/service.ts";
import { runMain, UsageError } from "../shell/main.ts";
import { type Change, make } from "./changes.ts";
import { newResource } from "./definition.ts";
import { parseField } from "./fields.ts";
import { makeTable, removeTable } from "./migrations.ts";
import { mount, unmount } from "./service.ts";

const USAGE = "add NAME [FIELD]... [--one NAME], or remove NAME";

/** @throws {UsageError} if there is no such resource. */
export function findResource(name: string, resources: readonly Resource[]): Resource {
  const resource = resources.find((each) => each.name === name);
  if (resource) return resource;
  const names = resources.map((each) => each.name).join(", ");
  throw new UsageError(
    `there is no resource ${name}, only ${names}; "add" with fields makes one, such as "title:text(200)"`,
  );
}

function add(name: string, fields: readonly string[], one: string | undefined): Change[] {
  if (fields.length === 0) return makeTable(findResource(name, RESOURCES));
  const added = newResource(name, { fields: fields.map(parseField), ...(one && { one }) });
  return [...mount(added, RESOURCES), ...makeTable(added.resource)];
}

async function remove(name: string): Promise<Change[]> {
  const resource = findResource(name, RESOURCES);
  return [...(await unmount(resource, RESOURCES)), ...(await removeTable(resource))];
}

async function changesFor(args: readonly string[]): Promise<Change[]> {
  const { values, positionals } = readArguments(args);
  const [command, name, ...rest] = positionals;
  if (name !== undefined && command === "add") return add(name, rest, values.one);
  if (name !== undefined && command === "remove" && rest.length === 0) return await remove(name);
  throw new UsageError(`expected ${USAGE}; received ${args.join(" ") || "nothing"}`);
}

function readArguments(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: { one: { type: "string" } },
      allowPositionals: true,
    });
  } catch (error) {
    throw new UsageError(`${(error as Error).message}; expected ${USAGE}`);
  }
}

async function main(): Promise<void> {
  console.log(make(await changesFor(process.argv.slice(2))).join("\n"));
}

if (import.meta.main) await runMain(main);

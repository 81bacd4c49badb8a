import type { KubeObject, Labels } from "./objects.ts";

/** Whether an object has all labels of a Service's or a workload's selector. */
export function hasLabels({ metadata }: KubeObject, selector: Labels): boolean {
  return Object.entries(selector).every(([name, value]) => metadata.labels?.[name] === value);
}

/**
 * What `labelSelector` of a query matches: `a=b`, `a!=b`, `a`, `!a` and `a in (b,c)`, separated by commas.
 *
 * @throws {Error} where it is something else.
 */
export function parseLabelSelector(text: string): (object: KubeObject) => boolean {
  const requirements = text.split(/,(?![^(]*\))/).filter(Boolean);
  const tests = requirements.map((each) => parseRequirement(each.trim()));
  return ({ metadata }) => tests.every((passes) => passes(metadata.labels ?? {}));
}

function parseRequirement(text: string): (labels: Labels) => boolean {
  const [, name = "", operator, value = ""] =
    /^([\w./-]+)\s*(==|=|!=|in|notin)\s*\(?([^)]*)\)?$/.exec(text) ?? [];
  const values = value.split(",").map((each) => each.trim());
  const isOneOf = (labels: Labels) => values.includes(labels[name] ?? "");
  if (operator === "!=" || operator === "notin") return (labels) => !isOneOf(labels);
  if (operator) return (labels) => name in labels && isOneOf(labels);
  const [, not, only] = /^(!?)([\w./-]+)$/.exec(text) ?? [];
  if (only === undefined) throw new Error(`the label selector "${text}" is not understood here`);
  return (labels) => only in labels === (not === "");
}

/** What `fieldSelector` of a query matches: `metadata.name=a`, separated by commas. */
export function parseFieldSelector(text: string): (object: KubeObject) => boolean {
  const wanted = text.split(",").filter(Boolean);
  return (object) =>
    wanted.every((each) => {
      const [path = "", value] = each.split(/==?/);
      return `${at(object, path.split("."))}` === value;
    });
}

function at(value: unknown, path: readonly string[]): unknown {
  const [name, ...rest] = path;
  if (name === undefined) return value;
  return at((value as Record<string, unknown> | undefined)?.[name], rest);
}

import type { Resource } from "../resources/resource.ts";
import { UsageError } from "./command.ts";

/**
 * The arguments `[RESOURCE] [FILE]`. Without a name they mean the only resource.
 *
 * @throws {UsageError} with the list of names, if there are several resources and none is named, or if a word
 *   without a dot or slash, which is more likely a name than a file, names none.
 */
export function resourceAndFile(
  positionals: readonly string[],
  resources: readonly Resource[],
): { resource: Resource; file: string | undefined } {
  const [first, second, ...others] = positionals;
  const named = resources.find(({ name }) => name === first);
  const file = named ? second : first;
  const extra = named ? others : [second, ...others].filter((each) => each !== undefined);
  if (extra.length > 0) throw new UsageError("expected at most one FILE");
  const [only, ...more] = resources;
  const resource = named ?? (more.length === 0 ? only : undefined);
  const names = resources.map(({ name }) => name).join(", ");
  if (!resource) {
    const received = first ?? "nothing";
    throw new UsageError(`expected the name of a resource, one of ${names}, not ${received}`);
  }
  if (!named && first !== undefined && /^[a-z][a-z0-9_]*$/.test(first)) {
    throw new UsageError(`there is no resource ${first}, only ${names}; a file is ./${first}`);
  }
  return { resource, file };
}

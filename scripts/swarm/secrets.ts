import { join } from "node:path";
import { docker } from "../shell/commands.ts";
import { SECRETS } from "./requirements.ts";
import { list, type Service, STACK_LABEL } from "./swarm.ts";

/** Enough that two contents do not meet, and short enough for Swarm's 64 characters of a name. */
const VERSION_LENGTH = 10;

/** The name of a content: Swarm changes no secret, so another content has another name. */
export function versionedName(stack: string, name: string, content: string): string {
  const hash = new Bun.CryptoHasher("sha256").update(content).digest("hex");
  return `${stack}_${name}_${hash.slice(0, VERSION_LENGTH)}`;
}

/**
 * Makes the versions of the secrets that are not there yet.
 *
 * @returns the variables of stack.yml with their names.
 */
export async function makeSecrets(stack: string, directory: string) {
  const variables: Record<string, string> = {};
  const make = async (name: string, file: string, versioned: string) => {
    variables[`${name.toUpperCase()}_SECRET`] = versioned;
    await makeSecret(stack, versioned, join(directory, file));
  };
  for (const name of Object.keys(SECRETS)) {
    const content = await Bun.file(join(directory, name)).text();
    await make(name, name, versionedName(stack, name, content));
  }
  // PostgreSQL reads it only when it makes the database, so it has no versions: a new one would restart it.
  await make("first_db_password", "db_password", `${stack}_first_db_password`);
  return variables;
}

async function makeSecret(stack: string, name: string, file: string): Promise<void> {
  const found = await list("secret", "ls", "--format={{.Name}}", `--filter=name=${name}`);
  if (found.includes(name)) return;
  await docker("secret", "create", `--label=${STACK_LABEL}=${stack}`, name, file);
  console.log(`Creating secret ${name}`);
}

/** Removes the versions that no service uses now, or would use after `docker service rollback`. */
export async function removeUnused(stack: string, services: readonly Service[]): Promise<void> {
  const used = new Set(services.flatMap(namesUsed));
  const mine = `--filter=label=${STACK_LABEL}=${stack}`;
  for (const kind of ["secret", "config"]) {
    const names = await list(kind, "ls", "--format={{.Name}}", mine);
    const unused = names.filter((name) => !used.has(name));
    if (unused.length === 0) continue;
    await docker(kind, "rm", ...unused);
    for (const name of unused) console.log(`Removed ${kind} ${name}, which nothing uses any more`);
  }
}

function namesUsed({ Spec, PreviousSpec }: Service): string[] {
  return [Spec, PreviousSpec].flatMap((spec) => {
    const { Secrets = [], Configs = [] } = spec?.TaskTemplate.ContainerSpec ?? {};
    const names = [...Secrets, ...Configs].map(
      ({ SecretName, ConfigName }) => SecretName ?? ConfigName,
    );
    return names.filter((name) => name !== undefined);
  });
}

// Makes the secrets that are missing, builds and starts what compose.yml describes, and waits until it
// is healthy.
//
//   bun run up [OPTION OF docker compose up]...
import { buildArguments } from "./build/labels.ts";
import { makeSecrets, missingSecrets, secretPath } from "./secrets.ts";
import { docker, requireEngine, showDocker } from "./shell/commands.ts";
import { runMain } from "./shell/main.ts";

const SECRETS_DIRECTORY = "secrets";
const PASSWORD = secretPath(SECRETS_DIRECTORY, "postgres_password");

const DID_NOT_START =
  "thimble: it did not start; Docker said why, or `docker compose logs` does. " +
  "Where port 5000 is taken, THIMBLE_PORT=8000 takes another";

async function up(options: readonly string[]): Promise<number> {
  await requireEngine();
  await keepDatabasePassword();
  const made = makeSecrets(SECRETS_DIRECTORY);
  // A container that is there holds on to the file that was a secret before.
  const recreate = made.length > 0 ? ["--force-recreate"] : [];
  const compose = ["compose", "up", "--build", "--detach", "--wait", ...recreate, ...options];
  const status = await showDocker(compose, buildArguments());
  if (status === 0) await announce();
  else console.error(DID_NOT_START);
  return status;
}

/** A new password would lock the API out of a database that was made with another one. */
async function keepDatabasePassword(): Promise<void> {
  if (!missingSecrets(SECRETS_DIRECTORY).includes("postgres_password")) return;
  if (!(await isDatabaseMade())) return;
  throw new Error(
    `${PASSWORD} is missing, and there is a database that was made with it; put it back, or remove ` +
      "the database and all books: docker compose down --volumes",
  );
}

/** A volume alone says little: Compose makes it before it notices that a secret is missing. */
async function isDatabaseMade(): Promise<boolean> {
  const { name, services } = JSON.parse(await docker("compose", "config", "--format=json"));
  const labels = { "com.docker.compose.project": name, "com.docker.compose.volume": "books" };
  const filters = Object.entries(labels).map(([key, value]) => `--filter=label=${key}=${value}`);
  const volume = await docker("volume", "ls", "--quiet", ...filters);
  if (volume === "") return false;
  const look = ["run", "--rm", "--entrypoint=test", `--volume=${volume}:/books:ro`];
  const status = await showDocker([...look, services.db.image, "-s", "/books/PG_VERSION"]);
  // `test` itself says 0 or 1; anything else comes from what kept it from being run.
  if (status <= 1) return status === 0;
  throw new Error(
    `${PASSWORD} is missing, and whether the volume ${volume} has a database that was made with it ` +
      `cannot be seen: docker run ended with ${status}`,
  );
}

async function announce(): Promise<void> {
  const address = await docker("compose", "port", "api", "5000");
  const url = `http://localhost:${address.split(":").at(-1)}`;
  const key = secretPath(SECRETS_DIRECTORY, "api_key");
  console.log(`
  Thimble answers on ${url}
  The API key: cat ${key}

  curl ${url}/books -H "X-API-Key: $(cat ${key})" -H 'Content-Type: application/json' \\
    -d '{"title":"Dune","author":"Frank Herbert","year":1965}'
`);
}

await runMain(() => up(process.argv.slice(2)));

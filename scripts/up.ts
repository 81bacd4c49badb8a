// Builds and starts what compose.yml describes, labelled with this checkout's version, waits until it is healthy,
// and prints the URL.
//
//   bun run up [OPTION OF docker compose up]...
import { SERVICE } from "../src/identity.ts";
import { exampleInput } from "../src/resources/schemas.ts";
import { RESOURCES } from "../src/service.ts";
import { buildArguments } from "./build/labels.ts";
import { docker, requireEngine, showDocker } from "./shell/commands.ts";
import { runMain } from "./shell/main.ts";

const DID_NOT_START =
  `${SERVICE.name}: it did not start; Docker said why, or \`docker compose logs\` does. ` +
  "Where port 5000 is taken, THIMBLE_PORT=8000 takes another";

async function up(options: readonly string[]): Promise<number> {
  await requireEngine();
  const compose = ["compose", "up", "--build", "--detach", "--wait", ...options];
  const status = await showDocker(compose, buildArguments());
  if (status === 0) await announce();
  else console.error(DID_NOT_START);
  return status;
}

async function announce(): Promise<void> {
  const address = await docker("compose", "port", "api", "5000");
  const url = `http://localhost:${address.split(":").at(-1)}`;
  const [resource] = RESOURCES;
  console.log(`
  ${SERVICE.title} answers on ${url}

  KEY=$(docker compose run --rm secrets show api_key)
  curl ${url}/${resource.name} -H "X-API-Key: $KEY" -H 'Content-Type: application/json' \\
    -d '${JSON.stringify(exampleInput(resource))}'
`);
}

await runMain(() => up(process.argv.slice(2)));

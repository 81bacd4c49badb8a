import { expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { SERVICE } from "../../src/identity.ts";
import { inTemporaryDirectory } from "../../test/service.ts";

const SCRIPT = join(import.meta.dir, "main.ts");
const DIGEST = `sha256:${"0".repeat(64)}`;

/** How it is with a real swarm, test/swarm shows. */
const ENGINE = `#!/bin/sh
echo "$*" >> "$CALLS"
case "$*" in
  version*) echo 29 ;;
  info*) echo "$SWARM" ;;
  *node.label=thimble.database*) printf "$DATABASE_NODES" ;;
  *node.label=thimble.proxy*) printf "$PROXY_NODES" ;;
  "node ls"*) printf "one\\ntwo\\n" ;;
  "stack deploy"*) exit 7 ;;
esac
`;

/** What a deployment needs, all of it there. */
const SETTINGS = {
  SWARM: "active true",
  DATABASE_NODES: "one\\n",
  PROXY_NODES: "one\\ntwo\\n",
  THIMBLE_IMAGE: "ghcr.io/owner/thimble:1.2.3-standard",
};
const SECRETS: Record<string, string> = {
  api_keys: "ci admin sha256:0c41\n",
  db_password: "secret",
};

/** Runs the script with an engine that only answers. */
function deploy({ env = {}, secrets = SECRETS }: { env?: object; secrets?: typeof SECRETS }) {
  return inTemporaryDirectory(async (directory) => {
    const path = (name: string) => join(directory, name);
    writeFileSync(path("docker"), ENGINE);
    chmodSync(path("docker"), 0o755);
    mkdirSync(path("secrets"));
    for (const [name, content] of Object.entries(secrets)) {
      writeFileSync(path(`secrets/${name}`), content);
    }
    const { exitCode, stderr } = Bun.spawnSync([process.execPath, SCRIPT], {
      env: {
        ...SETTINGS,
        PATH: [directory, process.env.PATH].join(delimiter),
        CALLS: path("calls"),
        SECRETS_DIRECTORY: path("secrets"),
        ...env,
      },
    });
    const calls = existsSync(path("calls")) ? readFileSync(path("calls"), "utf8") : "";
    const said = stderr.toString().replaceAll(directory, "");
    return { exitCode, said, changes: calls.match(/^(stack|secret|config) .+$/gm) ?? [] };
  });
}

test("everything that it needs is there: it makes the secrets, and deploys", async () => {
  const { exitCode, changes } = await deploy({});
  expect(exitCode).toBe(7);
  const made = changes.filter((call) => call.startsWith("secret create"));
  expect(made.map((call) => call.split(" ")[3])).toEqual([
    expect.stringMatching(new RegExp(`^${SERVICE.name}_api_keys_[0-9a-f]{10}$`)),
    expect.stringMatching(new RegExp(`^${SERVICE.name}_db_password_[0-9a-f]{10}$`)),
    `${SERVICE.name}_first_db_password`,
  ]);
  expect(changes.at(-1)).toMatch(/^stack deploy .+ thimble$/);
});

test("a digest will do for a tag", async () => {
  const { exitCode } = await deploy({ env: { THIMBLE_IMAGE: `localhost:5000/thimble@${DIGEST}` } });
  expect(exitCode).toBe(7);
});

const NOTHING = "thimble: nothing was deployed:\n- ";
const EXPECTED = "expected one with the tag of a release or a digest, such as NAME:1.2.3-standard";

for (const [what, given, says] of [
  [
    "an engine in no swarm",
    { env: { SWARM: "inactive false" } },
    "thimble: this engine is in no swarm (inactive); make one: docker swarm init\n",
  ],
  ["a worker", { env: { SWARM: "active false" } }, "thimble: this node is a worker; "],
  ["no image", { env: { THIMBLE_IMAGE: "" } }, `${NOTHING}THIMBLE_IMAGE is not set; ${EXPECTED}\n`],
  [
    "an image without a tag",
    { env: { THIMBLE_IMAGE: "localhost:5000/thimble" } },
    `${NOTHING}THIMBLE_IMAGE is "localhost:5000/thimble"; ${EXPECTED}\n`,
  ],
  [
    "an image whose tag moves",
    { env: { THIMBLE_IMAGE: "thimble:latest" } },
    `${NOTHING}THIMBLE_IMAGE is "thimble:latest", which is another release tomorrow`,
  ],
  [
    "no file with keys",
    { secrets: { db_password: "secret" } },
    `${NOTHING}there is no /secrets/api_keys; make it: thimble key new NAME`,
  ],
  [
    "an empty password",
    { secrets: { ...SECRETS, db_password: "" } },
    `${NOTHING}/secrets/db_password is empty; make it: openssl rand -hex 32 > /secrets/db_password\n`,
  ],
  [
    "a secret that is too long for Swarm",
    { secrets: { ...SECRETS, api_keys: "#".repeat(512_001) } },
    `${NOTHING}/secrets/api_keys has 512001 bytes; a secret of Swarm has at most 512000\n`,
  ],
  [
    "no node for the database",
    { env: { DATABASE_NODES: "" } },
    `${NOTHING}no node has the label thimble.database, where PostgreSQL and its backups would run; docker node update --label-add thimble.database=true NODE, with one of one, two\n`,
  ],
  [
    "two nodes for the database",
    { env: { DATABASE_NODES: "one\\ntwo\\n" } },
    `${NOTHING}2 nodes have the label thimble.database (one, two), and the data is on one; `,
  ],
  [
    "no node for the proxy",
    { env: { PROXY_NODES: "" } },
    `${NOTHING}no node has the label thimble.proxy, where Caddy would run; `,
  ],
  [
    "several mistakes, all of which are named",
    { env: { THIMBLE_IMAGE: "thimble", PROXY_NODES: "" }, secrets: {} },
    /^thimble: nothing was deployed:\n- THIMBLE_IMAGE .+\n- .+api_keys.+\n- .+db_password.+\n- .+proxy.+\n$/,
  ],
] as const) {
  test(`refused, with nothing changed: ${what}`, async () => {
    const { exitCode, said, changes } = await deploy(given as Parameters<typeof deploy>[0]);
    if (typeof says === "string") expect(said).toStartWith(says);
    else expect(said).toMatch(says);
    expect({ exitCode, changes }).toEqual({ exitCode: 1, changes: [] });
  });
}

test("a limit that is no number of seconds is a wrong use", async () => {
  const { exitCode, said, changes } = await deploy({ env: { WAIT_SECONDS: "2m" } });
  expect(said).toBe('thimble: WAIT_SECONDS is "2m"; expected a whole number of seconds from 1\n');
  expect({ exitCode, changes }).toEqual({ exitCode: 64, changes: [] });
});

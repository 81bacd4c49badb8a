import { docker } from "../../scripts/docker.ts";
import { until } from "./container.ts";
import { RUN, tagOf } from "./images.ts";

/** The registry as it is called where cosign runs; on this machine it has a port. */
export const REGISTRY = "registry:5000";

// The registry is on this machine, and nothing is written into Sigstore's public log.
const LOCAL = ["--allow-http-registry", "--allow-insecure-registry"];
export const UNLOGGED_SIGNING = [...LOCAL, "--tlog-upload=false", "--yes"];
export const UNLOGGED_VERIFYING = [...LOCAL, "--insecure-ignore-tlog"];

export type Registry = Awaited<ReturnType<typeof openRegistry>>;

/** An empty registry, and cosign beside it with throw-away keys of these names, which need no password. */
export async function openRegistry(...keys: string[]) {
  await docker("build", "--quiet", `--tag=${tagOf("cosign")}`, "test/container/signing");
  const network = `${RUN}-${crypto.randomUUID()}`;
  await docker("network", "create", `--label=${RUN}`, network);
  const start = (...options: string[]) => {
    const run = ["run", "--detach", `--label=${RUN}`, `--network=${network}`];
    return docker(...run, ...options, tagOf("cosign"));
  };
  const registry = await start("--network-alias=registry", "--publish=127.0.0.1::5000");
  const port = (await docker("port", registry, "5000")).split("\n")[0]?.split(":").at(-1);
  /** Where the registry is reached from this machine. */
  const address = `localhost:${port}`;
  await until("the registry answers", async () => (await fetch(`http://${address}/v2/`)).ok);
  const signer = await start();
  /** @throws what cosign says, where it fails. */
  const cosign = (...args: string[]) =>
    docker("exec", "--env=COSIGN_PASSWORD=", signer, "cosign", ...args);
  for (const key of keys) await cosign("generate-key-pair", `--output-key-prefix=${key}`);
  return {
    address,
    /** The container that cosign is in, with its keys in the working directory. */
    signer,
    cosign,
    close: async () => {
      for (const id of [registry, signer]) await docker("rm", "--force", "--volumes", id);
      await docker("network", "rm", network);
    },
  };
}

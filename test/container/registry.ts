import { docker } from "../../scripts/shell/commands.ts";
import { until } from "./container.ts";
import { RUN, tagOf } from "./images.ts";

/** The registry's name where cosign runs; on this machine it has a port. */
export const REGISTRY = "registry:5000";

// The registry is on this machine, and nothing goes into Sigstore's public log.
const LOCAL = ["--allow-http-registry", "--allow-insecure-registry"];
export const UNLOGGED_SIGNING = [...LOCAL, "--tlog-upload=false", "--yes"];
export const UNLOGGED_VERIFYING = [...LOCAL, "--insecure-ignore-tlog"];

export const NATIVE_ARCHITECTURE = process.arch === "x64" ? "amd64" : "arm64";

/** The command of docs/verify.md that starts like this; empty if there is none. */
export async function documented(start: string): Promise<string> {
  const document = await Bun.file("docs/verify.md").text();
  const commands = [...document.matchAll(/^```sh\n([\s\S]*?)```$/gm)].map(([, text = ""]) => text);
  return commands.find((command) => command.startsWith(start)) ?? "";
}

export type Registry = Awaited<ReturnType<typeof openRegistry>>;

/** An empty registry, and cosign with temporary keys of these names, which need no password. */
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
  /** The registry's address for this machine. */
  const address = `localhost:${port}`;
  await until("the registry answers", async () => (await fetch(`http://${address}/v2/`)).ok);
  const signer = await start();
  /** @throws {Error} with cosign's output if it fails. */
  const cosign = (...args: string[]) =>
    docker("exec", "--env=COSIGN_PASSWORD=", signer, "cosign", ...args);
  /** Runs a command of docs/verify.md; a key replaces the identity, which only Sigstore can give. */
  const follow = (command: string, reference: string, architecture = NATIVE_ARCHITECTURE) => {
    const local = ["--key=release.pub", ...UNLOGGED_VERIFYING, reference].join(" ");
    const text = command.replaceAll(/--certificate-[\w-]+="\$\w+"/g, "").replace('"$IMAGE"', local);
    return docker("exec", `--env=ARCHITECTURE=${architecture}`, signer, "sh", "-c", text);
  };
  for (const key of keys) await cosign("generate-key-pair", `--output-key-prefix=${key}`);
  return {
    address,
    /** The container of cosign, with its keys in the working directory. */
    signer,
    cosign,
    follow,
    close: async () => {
      for (const id of [registry, signer]) await docker("rm", "--force", "--volumes", id);
      await docker("network", "rm", network);
    },
  };
}

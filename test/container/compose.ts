import { docker } from "../../scripts/shell/commands.ts";
import { copyCheckout } from "./checkout.ts";
import { controlContainer } from "./container.ts";
import { RUN } from "./images.ts";

export type Deployment = ReturnType<typeof deploy>;

/** A new user's checkout, in which the README's commands run. */
export function deploy() {
  const checkout = copyCheckout();
  const env = (target: string) => ({
    COMPOSE_PROJECT_NAME: RUN,
    CORS_ORIGINS: "https://app.example",
    AUTH_FAILURE_LIMIT: "off",
    RATE_LIMIT: "off",
    THIMBLE_IMAGE: `${RUN}-compose`,
    THIMBLE_TARGET: target,
    THIMBLE_PORT: "",
  });
  const compose = (...args: string[]) => checkout.run(["docker", "compose", ...args], env("tiny"));
  return {
    checkout,
    compose,
    /** `bun run up`; `profile` also starts the proxy or the backups. */
    up: (target: string, profile = "", ...options: string[]) =>
      checkout.run([process.execPath, "scripts/up.ts", ...options], {
        ...env(target),
        COMPOSE_PROFILES: profile,
      }),
    /** The API key and the database's password. */
    secrets: async () => {
      const show = (name: string) => compose("run", "--rm", "--no-TTY", "secrets", "show", name);
      const shown = [await show("api_key"), await show("postgres_password")];
      return shown.map(({ output }) => output.trim().split("\n").at(-1) ?? "");
    },
    container: async (service: string) =>
      controlContainer((await compose("ps", "--all", "--quiet", service)).output.trim()),
    remove: async () => {
      await compose("--profile=*", "down", "--volumes", "--remove-orphans");
      checkout.remove();
    },
  };
}

/** All of Docker's output about the deployment. */
export async function inspectEverything(): Promise<string> {
  const mine = `--filter=label=com.docker.compose.project=${RUN}`;
  const list = async (...args: string[]) => (await docker(...args, "--quiet", mine)).split("\n");
  const [containers, networks, volumes] = await Promise.all([
    list("ps", "--all"),
    list("network", "ls"),
    list("volume", "ls"),
  ]);
  const images = await docker("image", "ls", "--quiet", `${RUN}-compose`);
  return await docker("inspect", ...containers, ...networks, ...volumes, ...images.split("\n"));
}

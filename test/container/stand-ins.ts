import { join } from "node:path";
import { docker } from "../../scripts/shell/commands.ts";
import { inTemporaryDirectory } from "../service.ts";
import { type ImageName, tagOf } from "./images.ts";

/** Debian's programs with the public images' paths and users, for machines on which those are unavailable. */
const DOCKERFILES = {
  caddy: `FROM debian:trixie-slim
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends caddy
ENV XDG_CONFIG_HOME=/config XDG_DATA_HOME=/data
CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]
`,
  prometheus: `FROM debian:trixie-slim
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends prometheus \\
  && install -d -o 65534 -g 65534 /prometheus
USER 65534
ENTRYPOINT ["prometheus"]
`,
};

/** Builds an image instead of one that cannot be pulled. @returns its name. */
export function buildStandIn(name: keyof typeof DOCKERFILES): Promise<string> {
  return buildFrom(name, { Dockerfile: DOCKERFILES[name] });
}

/** Builds an image of these files, by their names. @returns its name. */
export function buildFrom(name: ImageName, files: Record<string, string>): Promise<string> {
  return inTemporaryDirectory(async (directory) => {
    for (const [file, text] of Object.entries(files)) await Bun.write(join(directory, file), text);
    await docker("build", "--quiet", `--tag=${tagOf(name)}`, directory);
    return tagOf(name);
  });
}

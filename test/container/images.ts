import type { Target } from "../../scripts/release/tags.ts";

/** Name or label of everything that a test run makes, so that two runs do not mix. */
export const RUN = process.env.THIMBLE_TEST_RUN ?? `thimble-test-${process.pid}`;

/** Whether the images are already built, and only tested here. */
export const BUILT = process.env.THIMBLE_TEST_BUILT === "true";

/** The memory in which each target must run. */
export const MEMORY: Record<Target, string> = { standard: "128m", tiny: "192m" };

/** The same with HTTPS: `tiny` then unpacks itself again for each health check. */
export const HTTPS_MEMORY: Record<Target, string> = { standard: "128m", tiny: "288m" };

/** An image of this run; a user's own images have other names. */
export function tagOf(
  name:
    | Target
    | "broken"
    | "caddy"
    | "clean"
    | "context"
    | "cosign"
    | "foreign"
    | "on-base"
    | "prometheus"
    | "tampered",
): string {
  return `${RUN}:${name}`;
}

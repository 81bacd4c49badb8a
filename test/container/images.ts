import type { Target } from "../../scripts/release/tags.ts";

/** Name or label of everything that a test run makes, so that two runs do not mix. */
export const RUN = process.env.THIMBLE_TEST_RUN ?? `thimble-test-${process.pid}`;

/** Whether the images are already built, and only tested here. */
export const BUILT = process.env.THIMBLE_TEST_BUILT === "true";

/** What `docker build --platform=linux/arm64` makes on a machine of another architecture. */
export type Arm64Image = `${Target}-arm64`;

/** The memory in which each image must run. An emulator needs as much again for itself. */
export const MEMORY: Record<Target | Arm64Image, string> = {
  standard: "128m",
  tiny: "192m",
  "standard-arm64": "512m",
  "tiny-arm64": "512m",
};

/** The same with HTTPS: `tiny` then unpacks itself again for each health check. */
export const HTTPS_MEMORY: Record<Target, string> = { standard: "128m", tiny: "288m" };

export type ImageName =
  | Target
  | Arm64Image
  | "broken"
  | "caddy"
  | "clean"
  | "context"
  | "cosign"
  | "foreign"
  | "migrating"
  | "next"
  | "node"
  | "on-base"
  | "prometheus"
  | "tampered";

/** An image of this run; a user's own images have other names. */
export function tagOf(name: ImageName): string {
  return `${RUN}:${name}`;
}

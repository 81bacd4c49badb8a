export const TARGETS = ["standard", "tiny"] as const;
export type Target = (typeof TARGETS)[number];

/** Name or label of all that one run of the tests makes, so that two runs do not meet. */
export const RUN = process.env.THIMBLE_TEST_RUN ?? `thimble-test-${process.pid}`;

/** The memory that each target is promised to run in. */
export const MEMORY: Record<Target, string> = { standard: "64m", tiny: "160m" };

/** An image of this run; a user's own images have other names. */
export function tagOf(
  name: Target | "caddy" | "clean" | "context" | "cosign" | "tampered",
): string {
  return `${RUN}:${name}`;
}

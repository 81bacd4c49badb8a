export const TARGETS = ["standard", "tiny"] as const;
export type Target = (typeof TARGETS)[number];

/** On everything that the tests make, so that it can be found and removed. */
export const LABEL = "thimble-test";

/** The memory that each target is promised to run in. */
export const MEMORY: Record<Target, string> = { standard: "64m", tiny: "160m" };

/** Names of the tests' own, so that they leave alone what a user has built. */
export function tagOf(target: Target): string {
  return `thimble-test:${target}`;
}

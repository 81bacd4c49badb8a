import { version } from "../package.json" with { type: "json" };

export const SERVICE = { name: "thimble", version } as const;

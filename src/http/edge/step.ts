import type { Context } from "hono";
import type { DomainError } from "../../errors.ts";
import type { AppEnv, ServedRequest } from "../env.ts";

/** Why a request is refused for what its head says, if it is. */
export type Check = (request: Request) => DomainError | undefined;

/** Adds something to every answer, or records it. */
export type Finish = (c: Context<AppEnv>, request: ServedRequest) => void;

/** What a request carries through the app, for Hono's types. */
export type AppEnv = { Variables: { requestId: string } };

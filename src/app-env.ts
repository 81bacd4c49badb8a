/** What a runtime says of the connection that a request came on. */
export type Connection = {
  /** The IP address of the other end, which may be a proxy's. */
  peerAddress?: string | undefined;
};

/** What a request carries through the app, for Hono's types. */
export type AppEnv = {
  Bindings: Connection;
  Variables: {
    requestId: string;
    /** The name of the key that the request was let in by. */
    keyName?: string;
  };
};

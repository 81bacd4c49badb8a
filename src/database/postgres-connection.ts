/** How long the server may work on one statement. */
export const STATEMENT_TIMEOUT_MS = 5000;

/** What every connection is made with, pooled or not. */
export const CONNECTION_OPTIONS = {
  /** In seconds. */
  connect_timeout: 3,
  connection: { application_name: "thimble", statement_timeout: STATEMENT_TIMEOUT_MS },
  onnotice: () => {},
};

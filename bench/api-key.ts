/** What the services that are measured are started with, and asked with. */
export const API_KEY = "a-key-for-the-benchmark";

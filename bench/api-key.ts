/** The key with which the measured services are started and called. */
export const API_KEY = "a-key-for-the-benchmark";

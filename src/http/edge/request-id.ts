const ACCEPTABLE = /^[\x20-\x7e]{1,128}$/;

export const REQUEST_ID_HEADER = "X-Request-Id";

const randomId = () => crypto.randomUUID();

/**
 * Gives every request an id: the `X-Request-Id` of its caller if that is 1 to 128 printable ASCII characters,
 * else a new one. The answer, log lines and problems carry it.
 */
export function createRequestIds(newId: () => string = randomId) {
  return function idOf(headers: Headers): string {
    const given = headers.get(REQUEST_ID_HEADER);
    return given !== null && ACCEPTABLE.test(given) ? given : newId();
  };
}

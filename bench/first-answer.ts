const DEADLINE_MS = 60_000;
const POLL_MS = 2;

/** Resolves with the time of the first 200, in milliseconds since 1970, as precise as the clock. */
export async function firstAnswer(url: string, name: string): Promise<number> {
  const deadline = performance.now() + DEADLINE_MS;
  while (performance.now() < deadline) {
    const { status } = await fetch(url).catch(() => ({ status: 0 }));
    if (status === 200) return performance.timeOrigin + performance.now();
    await Bun.sleep(POLL_MS);
  }
  throw new Error(`${name} gave no 200 within ${DEADLINE_MS / 1000} s`);
}

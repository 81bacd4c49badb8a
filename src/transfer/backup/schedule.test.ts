import { expect, spyOn, test } from "bun:test";
import { sleepUntil } from "./schedule.ts";

test("a sleep leaves nothing on the signal, however it ends", async () => {
  const stopping = new AbortController();
  const { signal } = stopping;
  const added = spyOn(signal, "addEventListener");
  const removed = spyOn(signal, "removeEventListener");
  await sleepUntil(Date.now() + 5, Date.now, signal);
  const slept = sleepUntil(Date.now() + 86_400_000, Date.now, signal);
  stopping.abort();
  await slept;
  const listeners = (calls: typeof added.mock.calls) => calls.map(([, listener]) => listener);
  expect(added.mock.calls.length).toBeGreaterThanOrEqual(2);
  expect(listeners(removed.mock.calls)).toEqual(listeners(added.mock.calls));
});

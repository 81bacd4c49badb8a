import { expect, test } from "bun:test";
import { sendTogether } from "./send-together.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("few answers of a turn are sent at once, and the others at its end", async () => {
  const whenToSend = sendTogether();
  const sent: string[] = [];
  const send = async (answer: string) => {
    const later = whenToSend();
    if (later) await later;
    sent.push(answer);
  };
  for (const answer of ["a", "b", "c", "d", "e"]) void send(answer);
  sent.push("the turn ends");
  await turn();
  expect(sent).toEqual(["a", "b", "c", "the turn ends", "d", "e"]);
  void send("f");
  expect(sent.at(-1)).toBe("f");
});

test("answers to requests that arrived together on one connection are sent at once", () => {
  const whenToSend = sendTogether();
  const waits = [1, 2, 3, 4, 4, 5, 5].map((port) => whenToSend(port) !== undefined);
  expect(waits).toEqual([false, false, false, true, false, true, false]);
  const another = sendTogether();
  expect(Array.from({ length: 20 }, () => another(1)).every((wait) => wait === undefined)).toBe(
    true,
  );
});

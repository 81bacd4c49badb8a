import { describe, expect, test } from "bun:test";
import { meanWait, meanWaitOfCores } from "./formulas.ts";
import { between, exponential, seeded } from "./random.ts";
import { type Setup, simulate } from "./simulation.ts";

const SERVICE = 0.01;
const NOTHING = () => 0;

/** One instance on a core of its own. */
function setup(more: Partial<Setup> & Pick<Setup, "cost">): Setup {
  const alone = { machines: [1], instances: [0], balancer: "at random" } as const;
  return { random: seeded(1), requests: 200_000, perSecond: 80, ...alone, ...more };
}

function expectNear(found: number, expected: number, share = 0.05): void {
  expect(Math.abs(found / expected - 1)).toBeLessThan(share);
}

describe("waiting times agree with the formulas within 5 %", () => {
  test("M/M/1: exponential service times, 80 % busy", () => {
    const random = seeded(2);
    const { mean, p99 } = simulate(
      setup({ random, cost: { instance: exponential(random, SERVICE), rest: NOTHING } }),
    );
    expectNear(mean - SERVICE, meanWait({ utilisation: 0.8, service: SERVICE }, 1));
    // Latency is exponential too, with the mean S / (1 - utilisation).
    expectNear(p99, (-Math.log(0.01) * SERVICE) / 0.2);
  });

  test("M/D/1: equal service times, 80 % busy", () => {
    const { mean } = simulate(setup({ cost: { instance: () => SERVICE, rest: NOTHING } }));
    expectNear(mean - SERVICE, meanWait({ utilisation: 0.8, service: SERVICE }, 0));
  });

  test("M/G/1: service times between measured ones", () => {
    const random = seeded(3);
    // Uniform from 0 to 0.02 has a variance of a third of the square of its mean.
    const instance = between(random, [0, 0.005, 0.01, 0.015, 0.02]);
    const { mean } = simulate(setup({ random, cost: { instance, rest: NOTHING } }));
    expectNear(mean - SERVICE, meanWait({ utilisation: 0.8, service: SERVICE }, 1 / 3));
  });

  test("M/M/4: four cores of a database, 80 % busy", () => {
    const random = seeded(4);
    const cost = { instance: NOTHING, database: exponential(random, SERVICE), rest: NOTHING };
    const database = { machine: 1, pool: 1000 };
    const perSecond = 320;
    const { mean } = simulate(setup({ random, perSecond, machines: [1, 4], database, cost }));
    expectNear(mean - SERVICE, meanWaitOfCores({ utilisation: 0.8, service: SERVICE }, 4));
  });

  test("a balancer that chooses at random makes each of four instances an M/D/1", () => {
    const four = { machines: [1, 1, 1, 1], instances: [0, 1, 2, 3], perSecond: 320 };
    const cost = { instance: () => SERVICE, rest: NOTHING };
    const { mean } = simulate(setup({ ...four, cost }));
    expectNear(mean - SERVICE, meanWait({ utilisation: 0.8, service: SERVICE }, 0));
    const inTurns = simulate(setup({ ...four, cost, balancer: "in turns" }));
    expect(inTurns.mean - SERVICE).toBeLessThan((mean - SERVICE) / 2);
  });
});

test("a pool of one connection is a queue of its own, in use until the disk is done", () => {
  const cost = { instance: NOTHING, database: NOTHING, rest: () => SERVICE };
  const pooled = (pool: number) =>
    simulate(setup({ machines: [1, 1], database: { machine: 1, pool }, cost })).mean - SERVICE;
  expectNear(pooled(1), meanWait({ utilisation: 0.8, service: SERVICE }, 0));
  expect(pooled(50)).toBeCloseTo(0, 6);
});

test("instances on one machine share its core", () => {
  const cost = { instance: () => SERVICE / 2, rest: NOTHING };
  const shared = simulate(setup({ machines: [1], instances: [0, 0], perSecond: 160, cost }));
  expectNear(shared.mean - SERVICE / 2, meanWait({ utilisation: 0.8, service: SERVICE / 2 }, 0));
});

test("the same seed gives the same figures, another one others", () => {
  const once = (seed: number) =>
    simulate(
      setup({
        random: seeded(seed),
        requests: 1000,
        cost: { instance: () => SERVICE, rest: NOTHING },
      }),
    );
  expect(once(5)).toEqual(once(5));
  expect(once(5)).not.toEqual(once(6));
});

test("an instance on a machine that is not there is a mistake", () => {
  const cost = { instance: NOTHING, rest: NOTHING };
  expect(() => simulate(setup({ instances: [1], cost }))).toThrow("there is no place 1, only 1");
});

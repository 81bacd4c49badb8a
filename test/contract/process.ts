import { describe, expect } from "bun:test";
import addresses from "../vectors/ip-addresses.json";
import { type Api, PROCESS, readJson } from "./api.ts";
import { test } from "./case.ts";
import { expectInvalid, expectProblem, TIMESTAMP } from "./expectations.ts";

type Action = { name: string; description: string; input: Record<string, unknown> };

export function processContract(api: Api): void {
  describe("process", () => {
    test("GET lists the actions with their JSON Schemas", async () => {
      const response = await api.get(PROCESS);
      expect(response.status).toBe(200);
      const { actions } = await readJson<{ actions: Action[] }>(response);
      for (const action of actions) {
        expect(Object.keys(action).sort()).toEqual(["description", "input", "name"]);
        expect(action.description).toMatch(/\S/);
        expect(action.input).toMatchObject({ type: "object" });
      }
      expect(actions.map((action) => action.name)).toEqual(
        expect.arrayContaining(["echo", "validate_ip"]),
      );
      const validateIp = actions.find((action) => action.name === "validate_ip");
      expect(validateIp?.input).toHaveProperty("properties.ip");
    });

    describe("refuses", () => {
      const refused: { what: string; body: unknown; error: string }[] = [
        { what: "null", body: null, error: "No data provided" },
        { what: "no action", body: {}, error: "Missing 'action' field" },
        { what: "data without an action", body: { data: 1 }, error: "Missing 'action' field" },
        { what: "an unknown action", body: { action: "foo" }, error: "Unknown action: foo" },
        { what: "another case", body: { action: "ECHO" }, error: "Unknown action: ECHO" },
        { what: "toString", body: { action: "toString" }, error: "Unknown action: toString" },
        { what: "__proto__", body: { action: "__proto__" }, error: "Unknown action: __proto__" },
        {
          what: "an unknown action with fields",
          body: { action: "foo", bar: 1 },
          error: "Unknown action: foo",
        },
        { what: "no ip", body: { action: "validate_ip" }, error: "IP address required" },
        ...[null, 5, true, [], {}, ["1.2.3.4"]].map((ip) => ({
          what: `the ip ${JSON.stringify(ip)}`,
          body: { action: "validate_ip", ip },
          error: "IP address required",
        })),
      ];
      for (const { what, body, error } of refused) {
        test(`${what}: ${error}`, async () => {
          await expectProblem(await api.post(PROCESS, body), 400, error);
        });
      }

      for (const body of [[], [{ action: "echo" }], "echo", 5, true, false]) {
        test(`a body that is no object: ${JSON.stringify(body)}`, async () => {
          await expectInvalid(await api.post(PROCESS, body), "");
        });
      }

      for (const action of [null, 5, true, [], ["echo"], {}]) {
        test(`an action that is no string: ${JSON.stringify(action)}`, async () => {
          await expectInvalid(await api.post(PROCESS, { action }), "action");
        });
      }

      const unknownFields = [
        { body: { action: "echo", extra: 1 }, paths: ["extra"] },
        { body: { action: "echo", data: 1, ip: "::1", more: 1 }, paths: ["ip", "more"] },
        { body: { action: "validate_ip", ip: "::1", data: 1 }, paths: ["data"] },
      ];
      for (const { body, paths } of unknownFields) {
        test(`the unknown ${paths.join(" and ")} of ${body.action}, by name`, async () => {
          await expectInvalid(await api.post(PROCESS, body), ...paths);
        });
      }
    });

    describe("echo", () => {
      const values = [
        '"text"',
        '""',
        "0",
        "-1.5",
        "1e21",
        "true",
        "false",
        "null",
        "[]",
        "{}",
        '[1,[2,[3,{"a":null}]]]',
        '{"b":1,"a":{"c":[true]}}',
        '"Łódź 東京 😀 \\u0000 \\" \\\\"',
        '{"__proto__":{"a":1},"constructor":2}',
        '{"action":"validate_ip"}',
      ];
      for (const value of values) {
        test(`answers ${value}`, async () => {
          const response = await api.text("POST", PROCESS, `{"action":"echo","data":${value}}`);
          expect(response.status).toBe(200);
          const answer = await readJson<{ data: unknown }>(response);
          expect(answer).toMatchObject({
            success: true,
            action: "echo",
            timestamp: expect.stringMatching(TIMESTAMP),
          });
          expect(Object.keys(answer).sort()).toEqual(["action", "data", "success", "timestamp"]);
          expect(JSON.stringify(answer.data)).toBe(JSON.stringify(JSON.parse(value)));
        });
      }

      const numbers = [
        ...["1e400", "-1e999", "12345678901234567890", "0.1000000000000000055511151231257827"],
        ...["-0", "-0.0", "1.0", "1e2", "1E+2", "1e-7", "0e0", "9007199254740993", "5e-324"],
        "[1e999,-1e999]",
        '{"a":{"b":[1.50,1]},"-0":"1e5","__proto__":1.0}',
      ];
      for (const number of numbers) {
        test(`answers ${number} as it is written`, async () => {
          const response = await api.text("POST", PROCESS, `{"action":"echo","data":${number}}`);
          expect(response.status).toBe(200);
          expect(await response.text()).toContain(`"data":${number},`);
        });
      }

      test("no number is an action or an address, however it is written", async () => {
        for (const number of ["1e400", "1.0"]) {
          const action = await api.text("POST", PROCESS, `{"action":${number}}`);
          await expectInvalid(action, "action");
          const text = `{"action":"validate_ip","ip":${number}}`;
          await expectProblem(await api.text("POST", PROCESS, text), 400, "IP address required");
        }
      });

      test("answers {} where there is no data", async () => {
        const response = await api.post(PROCESS, { action: "echo" });
        expect(response.status).toBe(200);
        expect(await readJson<unknown>(response)).toMatchObject({ data: {} });
      });
    });

    describe("validate_ip", () => {
      for (const { ip, valid, version } of addresses) {
        test(`${JSON.stringify(ip)} is ${valid ? `IPv${version}` : "no address"}`, async () => {
          const response = await api.post(PROCESS, { action: "validate_ip", ip });
          expect(response.status).toBe(200);
          expect(await readJson<unknown>(response)).toEqual({
            success: true,
            action: "validate_ip",
            ip,
            valid,
            version,
            timestamp: expect.stringMatching(TIMESTAMP),
          });
        });
      }
    });
  });
}

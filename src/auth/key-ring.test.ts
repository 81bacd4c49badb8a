import { describe, expect, test } from "bun:test";
import { SCOPES } from "../../test/example/service.ts";
import { DomainError } from "../errors.ts";
import { allows, digestOf, type Key } from "./key.ts";
import { createKeyRing } from "./key-ring.ts";

const keyOf = async (name: string, secret: string, rest: Partial<Key> = {}): Promise<Key> => ({
  name,
  scopes: ["process"],
  digest: await digestOf(secret),
  ...rest,
});

const nameOf = (found: Key | DomainError) =>
  found instanceof DomainError ? found.code : found.name;

test("a digest is SHA-256 of the secret, in hexadecimal digits", async () => {
  // The vector "abc" of FIPS 180-4's examples.
  expect(await digestOf("abc")).toBe(
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
});

describe("a key ring", () => {
  test("finds the key whose secret it is", async () => {
    const apiKeys = await Promise.all(["a", "b", "c"].map((name) => keyOf(name, `${name}-secret`)));
    const ring = createKeyRing({ apiKey: "the-simple-key", apiKeys }, () => 0);
    for (const { name } of apiKeys) {
      expect(nameOf(await ring.identify(`${name}-secret`))).toBe(name);
    }
    expect(await ring.identify("the-simple-key")).toMatchObject({
      name: "default",
      scopes: ["admin"],
    });
    for (const secret of ["d-secret", "", "a-secret ", apiKeys[0]?.digest ?? ""]) {
      expect(nameOf(await ring.identify(secret))).toBe("invalid_api_key");
    }
  });

  test("without keys accepts none", async () => {
    expect(nameOf(await createKeyRing({}, () => 0).identify(""))).toBe("invalid_api_key");
  });

  test("prefers a key with a name and scopes if API_KEY has the same secret", async () => {
    const apiKeys = [await keyOf("narrow", "one-secret")];
    const ring = createKeyRing({ apiKey: "one-secret", apiKeys }, () => 0);
    expect(nameOf(await ring.identify("one-secret"))).toBe("narrow");
  });

  test("uses other keys at once when they are replaced", async () => {
    const ring = createKeyRing({ apiKey: "the-old-key" }, () => 0);
    ring.replace({ apiKeys: [await keyOf("new", "the-new-key")] });
    expect(nameOf(await ring.identify("the-old-key"))).toBe("invalid_api_key");
    expect(nameOf(await ring.identify("the-new-key"))).toBe("new");
  });

  test("respects the times of a key, and reports them to its holder", async () => {
    let now = 0;
    const times = { notBefore: 1000, expires: 2000 };
    const ring = createKeyRing({ apiKeys: [await keyOf("ci", "secret", times)] }, () => now);
    const at = async (time: number) => {
      now = time;
      const found = await ring.identify("secret");
      return found instanceof DomainError ? found.message : found.name;
    };
    expect(await at(999)).toBe("The key ci is not valid before 1970-01-01T00:00:01.000Z.");
    expect(await at(1000)).toBe("ci");
    expect(await at(1999)).toBe("ci");
    expect(await at(2000)).toBe("The key ci expired at 1970-01-01T00:00:02.000Z.");
  });
});

test("a key allows what its scopes say, and admin everything", async () => {
  const key = await keyOf("a", "secret", { scopes: ["books:write", "metrics"] });
  expect(SCOPES.filter((scope) => allows(key, scope))).toEqual(["books:write", "metrics"]);
  const admin = await keyOf("b", "secret", { scopes: ["admin"] });
  expect(SCOPES.filter((scope) => allows(admin, scope))).toEqual([...SCOPES]);
});

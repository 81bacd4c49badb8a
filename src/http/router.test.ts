import { expect, test } from "bun:test";
import { Hono } from "hono";
import { EarlyRouter } from "./router.ts";

test("the first requests and the later ones reach the same routes", async () => {
  const app = new Hono({ router: new EarlyRouter() });
  const passed: string[] = [];
  app.use(async (c, next) => {
    passed.push(c.req.path);
    await next();
  });
  app.get("/books", (c) => c.text("list"));
  app.get("/books/:id", (c) => c.text(`book ${c.req.param("id")}`));
  app.post("/books", (c) => c.text("created"));
  app.all("/any/*", (c) => c.text("any"));
  const requests = [
    ["GET", "/books", "list"],
    ["GET", "/books/7", "book 7"],
    ["GET", "/books/%C3%A9", "book é"],
    ["POST", "/books", "created"],
    ["PUT", "/any/of/these", "any"],
    ["GET", "/other", "404 Not Found"],
  ] as const;
  const answers = requests.map(([, , answer]) => answer);

  const askAll = () =>
    Promise.all(
      requests.map(async ([method, path]) => (await app.request(path, { method })).text()),
    );
  expect(await askAll()).toEqual(answers);
  for (let round = 0; round < 200; round += 1) await askAll();
  expect(await askAll()).toEqual(answers);
  expect(passed).toHaveLength(202 * requests.length);
});

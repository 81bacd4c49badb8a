import { expect, test } from "bun:test";
import { join } from "node:path";
import { inTemporaryDirectory } from "../../test/service.ts";
import { build } from "./executable.ts";

test("an executable is made only of a Bun of the same revision", async () => {
  await inTemporaryDirectory(async (directory) => {
    const bun = join(directory, "bun");
    await Bun.write(bun, "#!/bin/sh\necho 1.4.4\n");
    await expect(build(join(directory, "thimble"), { bun })).rejects.toThrow(
      `${bun} is another Bun; expected ${Bun.version}, revision ${Bun.revision}`,
    );
  });
});

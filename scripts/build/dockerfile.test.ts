import { expect, test } from "bun:test";

type Stage = { name: string | undefined; from: string; platform: string | undefined; text: string };

/** `FROM --platform=PLATFORM BASE AS NAME`, and all that follows. */
const FROM = /^FROM (?:--platform=(\S+) )?(\S+)(?: AS (\S+))?$/m;

function stagesOf(dockerfile: string): Stage[] {
  return dockerfile.split(/^(?=FROM )/m).flatMap((text) => {
    const [line, platform, from = "", name] = FROM.exec(text) ?? [];
    return line ? [{ name, from, platform, text }] : [];
  });
}

test("only stages of the build's own platform run commands, so that no emulator is needed", async () => {
  const stages = stagesOf(await Bun.file("Dockerfile").text());
  const platformOf = ({ platform, from }: Stage): string | undefined => {
    const parent = stages.find(({ name }) => name === from);
    return platform ?? (parent && platformOf(parent));
  };
  const running = stages.filter(({ text }) => /^RUN /m.test(text));
  expect(running.length).toBeGreaterThan(4);
  for (const stage of running) {
    expect([stage.name, platformOf(stage)]).toEqual([stage.name, "$BUILDPLATFORM"]);
  }
});

/** One line of an exposition in the text format of Prometheus. */
export type Sample = { name: string; labels: Record<string, string>; value: number };

const LINE = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/;

/** The samples of an exposition. @throws {Error} for a line that is not a sample. */
export function parseSamples(text: string): Sample[] {
  return text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const [, name = "", labels = "", value] = LINE.exec(line) ?? [];
      if (!name) throw new Error(`No sample: ${line}`);
      const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, text]) => [key, text]);
      return { name, labels: Object.fromEntries(pairs), value: Number(value) };
    });
}

/** The only value with this name and these labels. */
export function readValue(text: string, name: string, labels: Record<string, string> = {}): number {
  const found = parseSamples(text).filter(
    (sample) =>
      sample.name === name &&
      Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  );
  if (found.length !== 1) throw new Error(`${found.length} samples of ${name}`);
  return found[0]?.value ?? Number.NaN;
}

/** The names of the metrics, with their types. */
export function parseTypes(text: string): Map<string, string> {
  const lines = text.matchAll(/^# TYPE (\w+) (\w+)$/gm);
  return new Map(Array.from(lines, ([, name = "", type = ""]) => [name, type]));
}

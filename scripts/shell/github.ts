import { appendFileSync } from "node:fs";

/** Gives a value to the steps after this one; outside GitHub Actions it is printed. */
export function setOutput(name: string, value: string): void {
  const delimiter = `end-of-${name}-${crypto.randomUUID()}`;
  const file = process.env.GITHUB_OUTPUT;
  if (file) appendFileSync(file, `${name}<<${delimiter}\n${value}\n${delimiter}\n`);
  else console.log(`${name}=${value}`);
}

/** Shows Markdown on the page of the run; outside GitHub Actions it is printed. */
export function addSummary(markdown: string): void {
  const file = process.env.GITHUB_STEP_SUMMARY;
  if (file) appendFileSync(file, `${markdown}\n`);
  else console.log(markdown);
}

/** A variable that this program cannot do without. @throws {Error} that names it. */
export function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

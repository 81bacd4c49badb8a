/** Prints on standard error what a benchmark does now, with the time. */
export function progress(what: string): void {
  console.error(`${new Date().toTimeString().slice(0, 8)} ${what}`);
}

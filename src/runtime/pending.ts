/** Counts the requests under way, for whoever has to wait until there are none. */
export function createPending() {
  let count = 0;
  let onNone = () => {};
  return {
    begin(): void {
      count += 1;
    },

    end(): void {
      count -= 1;
      if (count === 0) onNone();
    },

    /** How many are under way. */
    count: (): number => count,

    /** Resolves when none is under way. */
    async none(): Promise<void> {
      if (count === 0) return;
      await new Promise<void>((resolve) => {
        onNone = resolve;
      });
    },
  };
}

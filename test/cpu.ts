/** How much of one core this process uses while the work goes on: from 0 to about 1. */
export async function cpuShare(work: () => void | Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  const startedAt = performance.now();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / (performance.now() - startedAt);
}

import { desiredTasks, type Service, servicesOf, type Task, tasksOf } from "./swarm.ts";

const POLL_INTERVAL_MS = 1000;
/** How often in a row everything must be settled: Swarm begins an update a moment after it was asked to. */
const SETTLED_POLLS = 3;

/** How an update of a service ends that did not succeed. */
const FAILED = ["paused", "rollback_completed", "rollback_paused"];

/** What has become of a service since it was deployed. */
export type Outcome = {
  service: Service;
  state: "done" | "failed" | "waiting";
  /** In words, with the number of tasks. */
  summary: string;
  /** The last task that has failed since then. */
  failed: Task | undefined;
};

/** Which tasks are not of this deployment, and how long it may take. */
type Wait = { before: readonly Task[]; limitMs: number };

/**
 * Waits until every service of the stack runs as it was deployed, or was rolled back; prints what changes, and each
 * error of a task once.
 *
 * @throws {Error} if that takes longer.
 */
export async function settled(stack: string, { before, limitMs }: Wait): Promise<Outcome[]> {
  const deadline = performance.now() + limitMs;
  const old = new Set(before.map(({ id }) => id));
  const print = printOnce();
  for (let settledPolls = 0; ; ) {
    const outcomes = await outcomesOf(stack, old);
    for (const { failed } of outcomes) if (failed) print(`${failed.service}: ${failed.error}`);
    const summary = outcomes.map((each) => each.summary).join(", ");
    print(summary);
    const isSettled = outcomes.every(({ state }) => state !== "waiting");
    settledPolls = isSettled ? settledPolls + 1 : 0;
    if (settledPolls === SETTLED_POLLS) return outcomes;
    if (performance.now() > deadline) throw new Error(timeOver(stack, summary, limitMs));
    await Bun.sleep(POLL_INTERVAL_MS);
  }
}

function timeOver(stack: string, summary: string, limitMs: number): string {
  const command = `docker stack ps --no-trunc ${stack}`;
  return `not everything runs after ${limitMs / 1000} s (${summary}); Swarm goes on trying, see ${command}`;
}

/** Prints each line once. */
function printOnce() {
  const printed = new Set<string>();
  return (line: string) => {
    if (!printed.has(line)) console.log(line);
    printed.add(line);
  };
}

async function outcomesOf(stack: string, old: ReadonlySet<string>): Promise<Outcome[]> {
  const services = await servicesOf(stack);
  const [tasks, desired] = await Promise.all([tasksOf(services), desiredTasks(stack)]);
  return services.map((service) => {
    const { Name } = service.Spec;
    const own = tasks.filter((task) => task.service === Name);
    const failed = own.find(({ id, error }) => error !== undefined && !old.has(id));
    return { service, failed, ...progressOf(service, own, desired.get(Name) ?? 0) };
  });
}

function progressOf({ Spec, UpdateStatus }: Service, tasks: readonly Task[], desired: number) {
  const wanted = tasks.filter((task) => task.desired === "Running");
  const running = wanted.filter((task) => task.state === "Running");
  const update = UpdateStatus?.State ?? "completed";
  const words = update === "completed" ? "" : `, ${update.replaceAll("_", " ")}`;
  const summary = `${Spec.Name} ${running.length}/${desired}${words}`;
  if (FAILED.includes(update)) return { state: "failed" as const, summary };
  const isWhole = running.length === desired && wanted.length === desired;
  const isDone = update === "completed" && isWhole;
  return { state: isDone ? ("done" as const) : ("waiting" as const), summary };
}

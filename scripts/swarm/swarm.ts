import { docker } from "../shell/commands.ts";

/** What `docker stack deploy` labels everything of a stack with. */
export const STACK_LABEL = "com.docker.stack.namespace";

/** A service as `docker service inspect` shows it; only what is used here. */
export type Service = {
  Spec: ServiceSpec;
  /** The one before the last update, to which `docker service rollback` goes back. */
  PreviousSpec?: ServiceSpec;
  /** Missing before the first update, and where a deployment changes nothing. */
  UpdateStatus?: { State: string; Message: string };
};

type ServiceSpec = {
  Name: string;
  TaskTemplate: { ContainerSpec: { Secrets?: Named[]; Configs?: Named[] } };
};
type Named = { SecretName?: string; ConfigName?: string };

/** A task as `docker service ps` shows it. */
export type Task = {
  id: string;
  service: string;
  desired: string;
  state: string;
  /** Why it ended, although it should run. */
  error?: string;
};

/** A service has no end, so a task that is complete was stopped by Swarm, or stopped itself. */
const COMPLETE = "it ended with exit code 0; mostly, because its health check failed";

export async function servicesOf(stack: string): Promise<Service[]> {
  const ids = await list("service", "ls", "--quiet", `--filter=label=${STACK_LABEL}=${stack}`);
  return ids.length > 0 ? JSON.parse(await docker("service", "inspect", ...ids)) : [];
}

/** Every task that Swarm still knows, also those that have ended; the newest of each slot first. */
export async function tasksOf(services: readonly Service[]): Promise<Task[]> {
  if (services.length === 0) return [];
  const names = services.map(({ Spec }) => Spec.Name);
  const lines = await list("service", "ps", "--no-trunc", "--format={{json .}}", ...names);
  return lines.map((line) => {
    const task = JSON.parse(line);
    // Such as `STACK_api.2`, after a mark of its age, and `Running 3 minutes ago`.
    const [, service = ""] = /([\w-]+)\.\S+$/.exec(task.Name) ?? [];
    const state = task.CurrentState.split(" ")[0];
    const error = task.Error.replaceAll('"', "") || (state === "Complete" ? COMPLETE : undefined);
    return { id: task.ID, service, desired: task.DesiredState, state, ...(error && { error }) };
  });
}

/** How many tasks of each service should run, by its name. */
export async function desiredTasks(stack: string): Promise<Map<string, number>> {
  const format = "--format={{.Name}} {{.Replicas}}";
  const lines = await list("service", "ls", format, `--filter=label=${STACK_LABEL}=${stack}`);
  const counts = lines.map((line) => /^(\S+) \d+\/(\d+)/.exec(line) ?? []);
  return new Map(counts.map(([, name = "", desired]) => [name, Number(desired)]));
}

/** What a command prints, a line each. */
export async function list(...command: string[]): Promise<string[]> {
  return (await docker(...command)).split("\n").filter(Boolean);
}

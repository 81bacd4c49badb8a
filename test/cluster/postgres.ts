import type { Namespace } from "./cluster.ts";

const NAME = "postgres";
const PASSWORD = "a-password-of-the-tests";

/** A PostgreSQL server in a namespace, whose data need not survive. */
export type PostgresPod = {
  /** Creates an empty database, and a Secret of the same name that has its URL. */
  createDatabase: (name: string) => Promise<void>;
  /** Freezes every process of the server: connections stay open and nobody answers. */
  pause: () => Promise<void>;
  resume: () => Promise<void>;
};

export async function startPostgres(namespace: Namespace): Promise<PostgresPod> {
  await namespace.apply(pod(), service());
  await namespace.kubectl("wait", `pod/${NAME}`, "--for=condition=Ready", "--timeout=90s");
  const run = (script: string) => namespace.kubectl("exec", NAME, "--", "sh", "-c", script);
  return {
    createDatabase: async (name) => {
      await run(`createdb --username=postgres "${name}"`);
      await namespace.apply(databaseSecret(name, { database: name, password: PASSWORD }));
    },
    // All but the first process, which only waits for the others, and this one.
    pause: async () => void (await run("kill -STOP -1")),
    resume: async () => void (await run("kill -CONT -1")),
  };
}

/** A Secret with the URL of a database, as the chart reads it. */
export function databaseSecret(
  name: string,
  { database, password }: { database: string; password: string },
) {
  const uri = `postgres://postgres:${password}@${NAME}:5432/${database}`;
  return { apiVersion: "v1", kind: "Secret", metadata: { name }, stringData: { uri } };
}

/** A shell is the first process, because that one cannot be stopped. */
const COMMAND = "docker-entrypoint.sh postgres -c max_connections=200 -c fsync=off & wait";

function pod() {
  const exec = { command: ["pg_isready", "--host=127.0.0.1", "--username=postgres"] };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: NAME, labels: { app: NAME } },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          name: NAME,
          image: "postgres:17",
          command: ["sh", "-c", COMMAND],
          env: [{ name: "POSTGRES_PASSWORD", value: PASSWORD }],
          startupProbe: { exec, periodSeconds: 1, timeoutSeconds: 5, failureThreshold: 60 },
        },
      ],
    },
  };
}

function service() {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: NAME },
    spec: { selector: { app: NAME }, ports: [{ port: 5432 }] },
  };
}

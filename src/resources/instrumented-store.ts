import { DomainError } from "../errors.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { childOf } from "../telemetry/trace-context.ts";
import { type Tracing, timeSpan } from "../telemetry/tracing.ts";
import type { Operation, Store } from "./store.ts";

type Instruments = {
  /** The resource's name. */
  resource: string;
  metrics?: Metrics | undefined;
  tracing?: Tracing | undefined;
  /** What OpenTelemetry calls the database: `postgresql`, `sqlite` or a name of one's own. */
  system: string;
};

type Observe = <T>(operation: Operation, work: () => Promise<T>) => Promise<T>;

/**
 * A store whose operations are measured, whether they succeed or fail, and are spans of the requests that
 * are sampled.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/database/database-spans/
 */
export function instrumentStore(store: Store, instruments: Instruments): Store {
  const { resource, metrics, tracing, system } = instruments;
  const spans = tracing?.spans;
  const traced: Observe = async (operation, work) => {
    const parent = tracing?.scope.current();
    if (!tracing || !spans || !parent) return work();
    const trace = childOf(parent);
    const timed = timeSpan();
    let fault: string | undefined;
    try {
      return await tracing.scope.run(trace, work);
    } catch (error) {
      fault = faultOf(error);
      throw error;
    } finally {
      spans.record({
        trace,
        name: `${operation} ${resource}`,
        kind: "client",
        ...timed(),
        attributes: {
          "db.system.name": system,
          "db.operation.name": operation,
          "db.collection.name": resource,
          "error.type": fault,
        },
        failed: fault !== undefined,
      });
    }
  };
  /** One promise more than the operation itself has. */
  function measured<T>(operation: Operation, work: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const end = () => {
      const seconds = (performance.now() - startedAt) / 1000;
      metrics?.storeOperationEnded({ resource, operation }, seconds);
    };
    const working = spans ? traced(operation, work) : work();
    return working.then(
      (result) => {
        end();
        return result;
      },
      (error: unknown) => {
        end();
        throw error;
      },
    );
  }

  if (!metrics && !spans) return store;
  const observe = metrics ? measured : traced;
  return {
    ...store,
    list: (...args) => observe("list", () => store.list(...args)),
    get: (...args) => observe("get", () => store.get(...args)),
    create: (...args) => observe("create", () => store.create(...args)),
    update: (...args) => observe("update", () => store.update(...args)),
    delete: (...args) => observe("delete", () => store.delete(...args)),
  };
}

/** That there is no such entry, or that it has changed, is an answer and no fault of the store's. */
function faultOf(error: unknown): string | undefined {
  if (error instanceof DomainError) {
    return error.code === "store_unavailable" ? error.code : undefined;
  }
  return error instanceof Error ? error.name : "_OTHER";
}

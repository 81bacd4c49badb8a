// Runs in a thread of its own (see sqlite-thread.ts): it reads rows from a SQLite file, one statement after another.
// The service's own thread has said it, or left it out: that SQLite is experimental in Node.
process.emitWarning = () => {};

const { parentPort, workerData } = require("node:worker_threads");
const { DatabaseSync } = require("node:sqlite");

const database = new DatabaseSync(workerData.path, { readOnly: true });
database.exec(`PRAGMA busy_timeout = ${workerData.busyTimeoutMs}`);
const statements = new Map();

function prepare(sql, isKept) {
  const statement = statements.get(sql) ?? database.prepare(sql);
  if (isKept) statements.set(sql, statement);
  return statement;
}

parentPort.on("message", ({ sql, values, isKept }) => {
  try {
    parentPort.postMessage({ rows: prepare(sql, isKept).all(...values) });
  } catch ({ message, errcode }) {
    parentPort.postMessage({ error: { message, errcode } });
  }
});

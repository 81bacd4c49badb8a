// Runs in a thread of its own (see sqlite-thread.ts): it writes to a SQLite file, many changes in one transaction.
// The service's own thread has said it, or left it out: that SQLite is experimental in Node.
process.emitWarning = () => {};

const { parentPort, workerData } = require("node:worker_threads");
const { DatabaseSync } = require("node:sqlite");

let database;
const statements = new Map();

function open() {
  const opened = new DatabaseSync(workerData.path);
  try {
    opened.exec(workerData.settings);
    return opened;
  } catch (error) {
    opened.close();
    throw error;
  }
}

function run({ sql, values }) {
  const statement = statements.get(sql) ?? database.prepare(sql);
  statements.set(sql, statement);
  return statement.all(...values);
}

/** A change that fails leaves nothing, and the others go on; unless SQLite itself has rolled all of them back. */
function change(parts) {
  database.exec("SAVEPOINT change");
  try {
    const rows = parts.map(run);
    database.exec("RELEASE change");
    return { rows };
  } catch (error) {
    if (!succeeds("ROLLBACK TO change; RELEASE change")) throw error;
    return { error: told(error) };
  }
}

function succeeds(sql) {
  try {
    database.exec(sql);
    return true;
  } catch {
    return false;
  }
}

function commit(changes) {
  database ??= open();
  database.exec("BEGIN IMMEDIATE");
  try {
    const outcomes = changes.map(change);
    database.exec("COMMIT");
    return outcomes;
  } catch (error) {
    succeeds("ROLLBACK");
    throw error;
  }
}

function told({ message, errcode }) {
  return { message, errcode };
}

function close() {
  database?.close();
  return [];
}

parentPort.on("message", (changes) => {
  try {
    parentPort.postMessage({ outcomes: changes ? commit(changes) : close() });
  } catch (error) {
    parentPort.postMessage({ error: told(error) });
  }
});

/** The name of a table, column or index in SQL. */
export const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;

/** Parts of SQL with commas between them. */
export const list = (parts: readonly string[]) => parts.join(", ");

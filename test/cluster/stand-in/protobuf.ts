import type { Labels } from "./objects.ts";
import type { NewObject } from "./store.ts";

/** Number and content of a field; a number's content is its value. */
type Field = readonly [number: number, content: Uint8Array | number];

/** The four bytes in front of every object: "k8s" and a zero. */
const MAGIC = 4;

/** The numbers of the fields, from the generated.proto files of k8s.io/api and k8s.io/apimachinery. */
const UNKNOWN = { raw: 2 };
const SECRET = { metadata: 1, data: 2, type: 3 };
const METADATA = { name: 1, namespace: 3, labels: 11, annotations: 12 };
const ENTRY = { key: 1, value: 2 };

/** Reads a Secret as client-go sends it. Helm keeps its releases in such; all else arrives as JSON. */
export function decodeSecret(bytes: Uint8Array): NewObject & { type: string; data: Labels } {
  const secret = fieldsOf(contentOf(fieldsOf(bytes.subarray(MAGIC)), UNKNOWN.raw));
  const metadata = fieldsOf(contentOf(secret, SECRET.metadata));
  return {
    metadata: {
      name: text(contentOf(metadata, METADATA.name)),
      namespace: text(contentOf(metadata, METADATA.namespace)),
      labels: mapOf(metadata, METADATA.labels, text),
      annotations: mapOf(metadata, METADATA.annotations, text),
    },
    type: text(contentOf(secret, SECRET.type)),
    data: mapOf(secret, SECRET.data, (value) => Buffer.from(value).toString("base64")),
  };
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function contentOf(fields: readonly Field[], wanted: number): Uint8Array {
  const content = fields.find(([number]) => number === wanted)?.[1];
  return content instanceof Uint8Array ? content : new Uint8Array();
}

/** A map is a repeated field, whose entries have a key and a value. */
function mapOf(
  fields: readonly Field[],
  wanted: number,
  read: (value: Uint8Array) => string,
): Labels {
  const entries = fields.flatMap(([number, content]) =>
    number === wanted && content instanceof Uint8Array ? [fieldsOf(content)] : [],
  );
  return Object.fromEntries(
    entries.map((entry) => [
      text(contentOf(entry, ENTRY.key)),
      read(contentOf(entry, ENTRY.value)),
    ]),
  );
}

/** The fields of a message. Only numbers and content with a length occur in a Secret. */
function fieldsOf(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  let position = 0;
  const number = () => {
    let [value, factor] = [0, 1];
    for (;;) {
      const byte = bytes[position++] ?? 0;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 0x80;
    }
  };
  while (position < bytes.length) {
    const tag = number();
    const [field, hasLength] = [Math.floor(tag / 8), tag % 8 === 2];
    const value = number();
    fields.push([field, hasLength ? bytes.subarray(position, position + value) : value]);
    if (hasLength) position += value;
  }
  return fields;
}

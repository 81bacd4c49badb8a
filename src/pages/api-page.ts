import { html, raw } from "hono/html";
import type {
  MediaTypeObject,
  OperationObject,
  ParameterObject,
  ReferenceObject,
  RequestBodyObject,
  ResponseObject,
  SchemaObject,
} from "openapi3-ts/oas31";
import { SERVICE } from "../identity.ts";
import { ICON } from "./icon.ts";
import type { OpenApiDocument } from "./openapi.ts";
import { nameOf, typeOf } from "./schema-text.ts";

/** A part of a page. */
type Part = ReturnType<typeof html> | "";

type Schema = SchemaObject | ReferenceObject;

type Assets = { style: string; script: string };

/** An operation of the document, with what its path says. */
type Operation = OperationObject & { method: string; path: string };

const json = (value: unknown) => JSON.stringify(value, null, 2);

/**
 * A page to read an OpenAPI document, and to send the requests that it describes. It can be read without its
 * script. Its addresses are relative: it may be mounted anywhere, and a proxy may take a prefix away.
 */
export function apiPage(document: OpenApiDocument, { style, script }: Assets) {
  const { info, tags = [] } = document;
  const operations = operationsOf(document);
  const page = pageParts(document);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${info.title} API</title>
<link rel="icon" href="${ICON.address}">
<style>${raw(style)}</style>
</head>
<body>
<header>
<h1>${info.title} API</h1>
<p>${info.description} Version ${info.version}.</p>
<nav>
${tags.map(({ name }) => html`<a href="#${anchorOf(name)}">${name}</a>\n`)}
<a href="#problems">Problems</a>
<a href="#schemas">Schemas</a>
<a href="./openapi.json">OpenAPI document</a>
</nav>
</header>
<main>
${keyPart()}
${tags.map(
  ({ name, description }) => html`<section>
<h2 id="${anchorOf(name)}">${name}</h2>
<p>${description}</p>
${operations.filter((each) => each.tags?.includes(name)).map(page.operation)}
</section>`,
)}
${page.problems()}
${page.schemas()}
</main>
<script>${raw(script)}</script>
</body>
</html>`;
}

/** What a path of a document may have besides, such as parameters, is no operation (OpenAPI 3.1, Path Item). */
const METHODS = new Set(["get", "put", "post", "delete", "options", "head", "patch", "trace"]);

function operationsOf({ paths = {} }: OpenApiDocument): Operation[] {
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations as Record<string, OperationObject>)
      .filter(([method]) => METHODS.has(method))
      .map(([method, operation]) => ({ ...operation, method: method.toUpperCase(), path })),
  );
}

const anchorOf = (name: string) => name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");

function keyPart(): Part {
  return html`<section>
<h2 id="key">Key</h2>
<p>Most routes that change something need a key with the scope that stands next to them. The operator of this service
gives you one: <code>${SERVICE.name} key new NAME --scope SCOPE</code> makes it. In development, the service prints one when it
starts. Send it in <code>X-API-Key</code>, or as <code>Authorization: Bearer</code>.</p>
<form class="try"><label>Your key
<input id="api-key" type="password" autocomplete="off" spellcheck="false"></label>
<span class="note">This page keeps it until you close the tab.</span></form>
<noscript><p>Without JavaScript, this page can be read, but sends no requests.</p></noscript>
</section>`;
}

/** The parts of the page for the parts of a document, whose references they follow. */
function pageParts({ components = {} }: OpenApiDocument) {
  return { operation, problems, schemas };

  function operation(each: Operation): Part {
    const { operationId, method, path, summary, description } = each;
    const [scope] = scopesOf(each);
    return html`<details class="operation" id="${operationId}">
<summary><span class="method ${method.toLowerCase()}">${method}</span> <code class="path">${path}</code>
<span class="what">${summary}</span> ${scope ? html`<span class="scope">${scope}</span>` : ""}</summary>
<form class="columns" data-method="${method}" data-path="${path}">
<div>
<p>${inCode(description ?? "")}</p>
${parameters(each)}
${requestBody(each)}
<p class="try"><button>Send</button></p>
<output class="try"></output>
</div>
<div>
${requestExamples(each)}
${answers(each)}
</div>
</form>
</details>
`;
  }

  function parameters({ parameters = [] }: Operation): Part {
    if (parameters.length === 0) return "";
    return html`<h3>Parameters</h3>
<ul class="fields">${(parameters as ParameterObject[]).map(parameter)}</ul>`;
  }

  function parameter({ name, in: place, required, description, schema, example }: ParameterObject) {
    const value = required ? String(example ?? "") : "";
    const of = schema && "description" in schema ? schema.description : undefined;
    return html`<li><label><code>${name}</code> <span class="type">${place}, ${typeOf(schema)}</span>
${mark(required)}<span class="note">${inCode(description ?? of ?? "")}</span>
<input class="try" name="${name}" data-in="${place}" value="${value}" ${required ? "required" : ""} autocomplete="off">
</label></li>
`;
  }

  function requestBody({ requestBody }: Operation): Part {
    const content = contentOf(requestBody as RequestBodyObject | undefined);
    if (!content) return "";
    const [first] = examplesOf(content);
    const text = json(first?.value ?? {});
    const lines = String(text.split("\n").length + 1);
    return html`<h3>Body</h3>
${schemaPart(content.schema)}
<textarea class="try" aria-label="Body" rows="${lines}" spellcheck="false">${text}</textarea>`;
  }

  function requestExamples({ requestBody }: Operation): Part {
    const content = contentOf(requestBody as RequestBodyObject | undefined);
    return content ? html`<h3>Example body</h3>\n${examples(content)}` : "";
  }

  function answers({ responses = {} }: Operation): Part {
    const all = Object.entries<ResponseObject | ReferenceObject>(responses);
    const shared = all.filter(([, response]) => "$ref" in response);
    const own = all.flatMap(([status, response]) =>
      "$ref" in response ? [] : [answerPart(status, response)],
    );
    return html`<h3>Answers</h3>
${own}
<p>Problems: ${shared.map(([status]) => html`<a href="#problem-${status}">${status}</a> `)}</p>`;
  }

  function answerPart(status: string, { description, headers = {}, content = {} }: ResponseObject) {
    const names = Object.keys(headers);
    return html`<h4>${status} <span class="note">${description}</span></h4>
${Object.entries(content).map(
  ([type, media]) =>
    html`<p class="type">${type}, ${schemaName(media.schema)}</p>\n${examples(media)}`,
)}
${names.length > 0 ? html`<p class="note">Headers: ${names.map((name) => html`<code>${name}</code> `)}</p>` : ""}`;
  }

  function examples(media: MediaTypeObject) {
    return examplesOf(media).map(
      ({ summary, value }) =>
        html`${summary ? html`<p class="note">${summary}</p>` : ""}<pre tabindex="0">${json(value)}</pre>\n`,
    );
  }

  function problems(): Part {
    const rows = Object.values(components.responses ?? {}).flatMap((response) =>
      "$ref" in response ? [] : [problem(response)],
    );
    return html`<section>
<h2 id="problems">Problems</h2>
<p>Every error is answered as <code>application/problem+json</code> (RFC 9457), with the members of
<a href="#schema-Problem">Problem</a>. Each of these has an example of <code>error</code> and <code>detail</code>.</p>
<ul class="fields">${rows}</ul>
</section>`;
  }

  function problem({ description, content }: ResponseObject): Part {
    const example = content?.["application/problem+json"]?.example as
      | { status: number; title: string; error: string; detail: string }
      | undefined;
    // Only the server itself answers 408, without a body.
    const { status = 408, title = "Request Timeout", error = "", detail = "" } = example ?? {};
    return html`<li id="problem-${String(status)}"><strong>${String(status)} ${title}</strong>
<span>${description}</span>
<span class="note">${error ? `${error}: ${detail}` : ""}</span></li>
`;
  }

  function schemas(): Part {
    const all = Object.entries<Schema>(components.schemas ?? {});
    return html`<section>
<h2 id="schemas">Schemas</h2>
${all.map(
  ([name, schema]) => html`<details id="schema-${name}"><summary><code>${name}</code></summary>
${schemaPart(schema)}</details>
`,
)}
</section>`;
  }

  /** The fields of an object; of several, each; of anything else, its type. */
  function schemaPart(schema: Schema | undefined): Part {
    const { properties, required = [], anyOf } = resolve(schema);
    if (anyOf)
      return html`${anyOf.map((each, index) => html`${index > 0 ? html`<p>or</p>` : ""}${schemaPart(each)}`)}`;
    if (!properties) return html`<p>${typeOf(schema)}</p>`;
    const rows = Object.entries<Schema>(properties).map(
      ([
        name,
        property,
      ]) => html`<li><code>${name}</code> <span class="type">${linked(property)}</span>
${mark(required.includes(name))}<span class="note">${inCode(resolve(property).description ?? "")}</span>
${nested(property)}</li>
`,
    );
    return html`<ul class="fields">${rows}</ul>`;
  }

  /** The fields of objects inside of a field, where they have no name of their own. */
  function nested(schema: Schema): Part {
    if (isReference(schema)) return "";
    const { items, properties } = schema;
    if (properties) return schemaPart(schema);
    return items && !isReference(items) && items.properties ? schemaPart(items) : "";
  }

  function linked(schema: Schema): Part {
    if (isReference(schema)) return schemaLink(schema);
    if (schema.items && isReference(schema.items)) return html`list of ${schemaLink(schema.items)}`;
    return html`${typeOf(schema)}`;
  }

  function schemaName(schema: Schema | undefined): Part {
    return schema ? linked(schema) : "";
  }

  function resolve(schema: Schema | undefined): SchemaObject {
    if (!schema || !isReference(schema)) return schema ?? {};
    return resolve(components.schemas?.[nameOf(schema)]);
  }
}

/** In OpenAPI 3.1, also a schema may have a `$ref`; the document's own schemas have none next to others. */
function isReference(schema: Schema): schema is ReferenceObject {
  return "$ref" in schema;
}

function schemaLink(reference: ReferenceObject): Part {
  return html`<a href="#schema-${nameOf(reference)}">${nameOf(reference)}</a>`;
}

const mark = (required = false): Part =>
  required ? html`<span class="required">required</span> ` : "";

/** A text in which backticks mark code. */
function inCode(text: string): Part {
  return html`${text.split("`").map((part, index) => (index % 2 ? html`<code>${part}</code>` : part))}`;
}

/** The scopes that the key of an operation needs; every scheme names the same. */
export function scopesOf({ security = [] }: OperationObject): string[] {
  return Object.values(security[0] ?? {}).flat();
}

function contentOf(body: RequestBodyObject | undefined): MediaTypeObject | undefined {
  return body?.content["application/json"];
}

function examplesOf({ example, examples = {} }: MediaTypeObject) {
  if (example !== undefined) return [{ summary: undefined, value: example as unknown }];
  return Object.values(examples).flatMap((each) =>
    "$ref" in each ? [] : [{ summary: each.summary, value: each.value as unknown }],
  );
}

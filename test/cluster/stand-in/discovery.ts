import { apiVersionOf, KINDS, type Kind, rootOf } from "./kinds.ts";

const VERSION = { major: "1", minor: "35", gitVersion: "v1.35.2", platform: "linux/amd64" };
const VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"];

const unique = <T>(values: readonly T[]) => [...new Set(values)];

/** What the API offers, as clients ask for it before anything else; `undefined` for another path. */
export function discover(path: string): object | undefined {
  if (path === "/version") return VERSION;
  if (path === "/api") return { kind: "APIVersions", versions: ["v1"] };
  if (path === "/apis") return groupList();
  if (path === "/openapi/v3") return openApiPaths();
  const [, openApi, root = ""] = /^\/(openapi\/v3\/)?(apis?\/.*)$/.exec(path) ?? [];
  const kinds = KINDS.filter((kind) => rootOf(kind) === root);
  const [first] = kinds;
  if (!first) return undefined;
  return openApi ? openApiDocument(kinds) : resourceList(apiVersionOf(first), kinds);
}

function groupList() {
  const names = unique(KINDS.map(({ group }) => group)).filter(Boolean);
  const groups = names.map((name) => {
    const kind = KINDS.find(({ group }) => group === name) as Kind;
    const version = { groupVersion: apiVersionOf(kind), version: kind.version };
    return { name, versions: [version], preferredVersion: version };
  });
  return { kind: "APIGroupList", apiVersion: "v1", groups };
}

function resourceList(groupVersion: string, kinds: readonly Kind[]) {
  const resources = kinds.flatMap(({ kind, plural, namespaced, short, scales }) => [
    {
      ...{ name: plural, singularName: kind.toLowerCase(), shortNames: short },
      ...{ kind, namespaced, verbs: VERBS },
    },
    ...(scales ? [scaleResource(plural)] : []),
  ]);
  return { kind: "APIResourceList", apiVersion: "v1", groupVersion, resources };
}

function scaleResource(plural: string) {
  const scale = { group: "autoscaling", version: "v1", kind: "Scale" };
  return { name: `${plural}/scale`, ...scale, namespaced: true, verbs: ["get", "patch", "update"] };
}

function openApiPaths() {
  const paths = unique(KINDS.map(rootOf)).map((root) => [
    root,
    { serverRelativeURL: `/openapi/v3/${root}?hash=1` },
  ]);
  return { paths: Object.fromEntries(paths) };
}

/** Enough for a client to leave the check of all fields to the server. There, nothing checks them. */
function openApiDocument(kinds: readonly Kind[]) {
  const paths = kinds.map((each) => {
    const { group, version, kind, plural } = each;
    const patch = {
      "x-kubernetes-action": "patch",
      "x-kubernetes-group-version-kind": { group, version, kind },
      parameters: [{ name: "fieldValidation", in: "query", schema: { type: "string" } }],
      responses: {},
    };
    return [`/${rootOf(each)}/namespaces/{namespace}/${plural}/{name}`, { patch }];
  });
  const info = { title: "stand-in", version: VERSION.gitVersion };
  return { openapi: "3.0.0", info, paths: Object.fromEntries(paths) };
}

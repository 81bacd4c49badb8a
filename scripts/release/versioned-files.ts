import { CHART } from "../manifests/render.ts";

/** Files that name the version of package.json again, because other tools read it there, and where in them. */
const PLACES: Readonly<Record<string, RegExp>> = {
  [`${CHART}/Chart.yaml`]: /(?<=^(?:v|appV)ersion: ).+$/gm,
  "deploy/kustomize/overlays/prod/kustomization.yaml": /(?<=newTag: ).+(?=-standard)/g,
  "deploy/gitops/argocd/application.yaml": /(?<=targetRevision: ).+$/gm,
  "deploy/gitops/argocd/applicationset.yaml": /(?<=revision: v)[^ ]+/g,
  "deploy/gitops/flux/ocirepository.yaml": /(?<=tag: ).+$/gm,
};

export const VERSIONED_FILES: readonly string[] = Object.keys(PLACES);

/** The text of one of {@link VERSIONED_FILES} with another version. Other texts stay as they are. */
export function withVersion(path: string, text: string, version: string): string {
  const place = PLACES[path];
  return place ? text.replaceAll(place, version) : text;
}

import { run } from "../shell/commands.ts";
import { required } from "../shell/github.ts";

const ISSUER = "https://token.actions.githubusercontent.com";

/** cosign's options that say who has to have signed: this workflow, at this commit's ref, and no other of the repository. */
export function signerOptions(): string[] {
  const identity = `${required("GITHUB_SERVER_URL")}/${required("GITHUB_WORKFLOW_REF")}`;
  return [`--certificate-identity=${identity}`, `--certificate-oidc-issuer=${ISSUER}`];
}

/** @throws {CommandError} where this workflow has not signed it. */
export async function requireSignature(artifact: string): Promise<void> {
  await run("cosign", "verify", ...signerOptions(), artifact);
}

/** Built by this workflow, out of this commit. @throws {CommandError} */
export async function requireProvenance(artifact: string): Promise<void> {
  const [workflow] = required("GITHUB_WORKFLOW_REF").split("@");
  const source = [
    `--repo=${required("GITHUB_REPOSITORY")}`,
    `--signer-workflow=${workflow}`,
    `--source-ref=${required("GITHUB_REF")}`,
    `--source-digest=${required("GITHUB_SHA")}`,
  ];
  await run("gh", "attestation", "verify", `oci://${artifact}`, ...source);
}

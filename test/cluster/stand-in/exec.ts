import type { ServerWebSocket } from "bun";

export type ExecSocket = { container: string; command: readonly string[] };

/** The protocol of `kubectl exec`: the first byte of each message says which stream the rest belongs to. */
export const EXEC_PROTOCOL = "v5.channel.k8s.io";
const CHANNELS = { stdout: 1, stderr: 2, error: 3 } as const;

/** Runs a command in a container, without input, and sends what it prints and how it ends. */
export async function execCommand(socket: ServerWebSocket<ExecSocket>): Promise<void> {
  const { container, command } = socket.data;
  const child = Bun.spawn(["docker", "exec", container, ...command], {
    stdout: "pipe",
    stderr: "pipe",
  });
  const forward = async (channel: "stdout" | "stderr") => {
    for await (const bytes of child[channel]) send(socket, channel, bytes);
  };
  await Promise.all([forward("stdout"), forward("stderr")]);
  const ending = JSON.stringify(statusOf(await child.exited));
  send(socket, "error", new TextEncoder().encode(ending));
  socket.close(1000);
}

function send(
  socket: ServerWebSocket<ExecSocket>,
  channel: keyof typeof CHANNELS,
  bytes: Uint8Array,
): void {
  socket.send(Buffer.concat([Buffer.of(CHANNELS[channel]), bytes]));
}

function statusOf(exitCode: number) {
  const status = { kind: "Status", apiVersion: "v1", metadata: {} };
  if (exitCode === 0) return { ...status, status: "Success" };
  const causes = [{ reason: "ExitCode", message: `${exitCode}` }];
  const message = `command terminated with exit code ${exitCode}`;
  return { ...status, status: "Failure", reason: "NonZeroExitCode", message, details: { causes } };
}

// A program of Bun to be packed: answers on a port that the system chooses, and writes its number.
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch: () => new Response("hello"),
});
console.log(server.port);
process.on("SIGTERM", () => server.stop().then(() => process.exit(7)));

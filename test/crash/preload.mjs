// The tests load this before the program: it causes an unexpected defect on a signal.
process.on("SIGUSR2", () => {
  setTimeout(() => {
    throw new TypeError("it broke at postgres://admin:hidden@db.example/books");
  });
});
process.on("SIGHUP", () => {
  Promise.reject(new RangeError("nobody waited for it"));
});
process.on("SIGWINCH", () => {
  Promise.reject("no error at all");
});

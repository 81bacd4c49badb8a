// Loaded before the program by the tests: a defect that nobody foresaw, on a signal.
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

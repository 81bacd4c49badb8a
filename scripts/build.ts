/** Compiles the service into `dist/thimble`: one executable that needs no Bun, no source, no packages. */
export async function build(outfile: string): Promise<void> {
  const result = await Bun.build({
    entrypoints: [new URL("../src/runtime/bun.ts", import.meta.url).pathname],
    minify: true,
    bytecode: true,
    format: "esm",
    // A file in the directory that the service happens to start in must not change what it does.
    compile: {
      outfile,
      autoloadDotenv: false,
      autoloadBunfig: false,
      autoloadTsconfig: false,
      autoloadPackageJson: false,
    },
  });
  if (!result.success) throw new AggregateError(result.logs, "The build failed");
}

if (import.meta.main) {
  await build("dist/thimble");
  console.log("dist/thimble");
}

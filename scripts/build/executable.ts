import { readFileSync } from "node:fs";
import type { BunPlugin } from "bun";
import { SERVICE } from "../../src/identity.ts";
import { architectureOf } from "./architecture.ts";
import { englishOnly } from "./english-only.ts";
import { readElf } from "./slim/elf.ts";
import { languagesToKeep } from "./slim/options.ts";
import { slimExecutable } from "./slim/slim.ts";
import { clearToolFiles } from "./slim/tool-files.ts";
import { removeZeros } from "./slim/zeros.ts";
import { removeVariables } from "./unread-variables.ts";

const ENTRY = new URL("../../src/adapters/bun.ts", import.meta.url).pathname;

const PACKED = "--packed";

type BuildOptions = {
  /**
   * The path of the Bun that the executable is made of, which may be for another architecture of Linux; by
   * default, the one that runs.
   */
  bun?: string | undefined;
  /** Smaller, and started later, for what is packed. */
  isPacked?: boolean;
  /** Another program, for tests of what is around the service. */
  entry?: string;
  /** What tests put in the place of a part of the service. */
  plugins?: readonly BunPlugin[];
};

/**
 * Compiles the service into one executable that needs no Bun, no source and no packages. `SLIM` and
 * `KEEP_LOCALES` in the environment choose what stays of the data of languages (slim/options.ts).
 *
 * @returns the bundler's account of what is in it.
 */
export async function build(
  outfile: string,
  { bun, entry = ENTRY, isPacked = false, plugins = [] }: BuildOptions = {},
): Promise<Bun.BuildMetafile> {
  const languages = languagesToKeep(process.env);
  const result = await Bun.build({
    entrypoints: [entry],
    minify: true,
    format: "esm",
    // Bytecode starts sooner than source does. With the functions of each module it saves a quarter of the start,
    // and costs 2.2 MB. With the functions inside of these it would save 2 ms more, and cost another 1.4 MB. Packed,
    // even the first would cost 1 MB of each pull, and save less than a tenth of the start.
    bytecode: true,
    bytecodeDepth: isPacked ? 0 : 1,
    // What is imported when it is used is loaded when it is used.
    splitting: true,
    metafile: true,
    plugins: [englishOnly, ...plugins],
    // A file in the directory that the service happens to start in must not change what it does.
    compile: {
      outfile,
      ...(bun !== undefined && madeOf(bun)),
      // To compile what runs once into machine code takes longer than it saves, a fifth of the start. What
      // runs long is compiled all the same; the service goes back to 1 when it listens (bun-server.ts).
      jitPolicy: 8,
      // More than the service allows by default. If this is set later, Bun starts 10 ms slower.
      execArgv: ["--max-http-header-size=32768"],
      autoloadDotenv: false,
      autoloadBunfig: false,
      autoloadTsconfig: false,
      autoloadPackageJson: false,
    },
  });
  if (!result.success || !result.metafile) {
    throw new AggregateError(result.logs, "The build failed");
  }
  // Other systems have other formats of executables; there, they stay whole.
  if (process.platform === "linux") {
    await removeVariables(outfile);
    if (languages) {
      await clearToolFiles(outfile);
      await slimExecutable(outfile, languages);
      await removeZeros(outfile);
    }
  }
  return result.metafile;
}

/** Bytecode is the same on every architecture, but a Bun accepts only that of its own revision. */
function madeOf(bun: string): Pick<Bun.CompileBuildOptions, "executablePath" | "target"> {
  const file = readFileSync(bun);
  if (!file.includes(Bun.revision)) {
    throw new Error(`${bun} is another Bun; expected ${Bun.version}, revision ${Bun.revision}`);
  }
  // Without the target, code that asks for the architecture would be compiled for this machine's.
  return { executablePath: bun, target: `bun-linux-${architectureOf(readElf(file)).bun}` };
}

// bun scripts/build/executable.ts [--packed] [BUN]
if (import.meta.main) {
  const path = `dist/${SERVICE.name}`;
  const [bun, ...others] = process.argv.slice(2).filter((arg) => arg !== PACKED);
  if (others.length > 0 || bun?.startsWith("-")) throw new Error(`expected [${PACKED}] [BUN]`);
  const metafile = await build(path, { bun, isPacked: process.argv.includes(PACKED) });
  await Bun.write("dist/metafile.json", JSON.stringify(metafile));
  console.log(path);
}

import type { Elf } from "./slim/elf.ts";

/** A processor that the images are for, as Bun and as Debian call it. */
export type Architecture = { bun: "x64" | "arm64"; debian: string };

/** By the number of the machine in an ELF header. */
const ARCHITECTURES: Readonly<Record<number, Architecture>> = {
  62: { bun: "x64", debian: "x86_64-linux-gnu" },
  183: { bun: "arm64", debian: "aarch64-linux-gnu" },
};

/** What an executable or a library was made for. @throws {Error} if no image is for that. */
export function architectureOf({ header }: Elf): Architecture {
  const architecture = ARCHITECTURES[header.machine];
  if (architecture) return architecture;
  throw new Error(`it is for ELF machine ${header.machine}; the images are for x64 and arm64`);
}

/**
 * Builds the launcher and `pack` with make, packs programs and runs them. It needs what the
 * Makefile needs, root for namespaces, and a Docker engine for containers. Without the last two,
 * the tests that use them are skipped and say so in their names.
 */
import { dlopen, ptr } from "bun:ffi";
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";

// Packing a program of Bun at the highest level takes a minute of two CPUs.
setDefaultTimeout(300_000);

const EX_SOFTWARE = 70;
const EX_OSERR = 71;
const DAMAGED = /^thimble: the program in this executable is damaged or incomplete; [^\n]+\n$/;
const MIB = 1 << 20;

const work = mkdtempSync(join(tmpdir(), "launcher-test-"));
const source = join(work, "launcher-source");
const launcher = join(source, "launcher");
const pack = join(source, "pack");
const inWork = (name: string) => join(work, name);

/** There is none of a file that the kernel does not run. */
const textOf = (output: Buffer | null) => output?.toString() ?? "";

function run(
  command: string[],
  options: { env?: Record<string, string>; input?: string | Buffer; timeout?: number } = {},
) {
  const [file = "", ...args] = command;
  const result = spawnSync(file, args, {
    env: { PATH: process.env.PATH, ...options.env },
    input: options.input,
    timeout: options.timeout,
    killSignal: "SIGKILL",
  });
  return {
    status: result.status,
    signal: result.signal,
    stdout: textOf(result.stdout),
    stderr: textOf(result.stderr),
  };
}

function succeed(command: string[]) {
  const result = run(command);
  if (result.status !== 0) throw new Error(`${command.join(" ")}: ${result.stderr}`);
  return result.stdout;
}

const works = (command: string[]) => {
  try {
    return run(command).status === 0;
  } catch {
    return false;
  }
};
const namespaces = works(["unshare", "--mount", "--pid", "--fork", "true"]);
const docker = works(["docker", "version"]);
const ipv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === "::1"),
);

/** The test, or one that is skipped under a name with the reason. */
const testIf =
  (condition: boolean, reason: string) => (name: string, body: () => void | Promise<void>) =>
    condition ? test(name, body) : test.skip(`${name} (skipped: ${reason})`, body);
const testWithNamespaces = testIf(namespaces, "needs root to make namespaces");
const testWithDocker = testIf(docker, "needs a Docker engine");
const testWithIpv6 = testIf(ipv6, "this machine has no IPv6");

/** Compiles test/sample.c, packs it, and returns the paths of both. */
function packSample(name: string, flags: string[] = []) {
  const plain = inWork(name);
  const packed = inWork(`${name}-packed`);
  succeed(["cc", "-O2", "-static", ...flags, "-o", plain, join(source, "test/sample.c")]);
  succeed([pack, launcher, plain, packed]);
  return { plain, packed };
}

let sample: { plain: string; packed: string };
let large: { plain: string; packed: string };
const LARGE_MIB = 128;

beforeAll(() => {
  cpSync(import.meta.dir, source, { recursive: true });
  succeed(["make", "-C", source, "clean", "all"]);
  succeed(["cc", "-O2", "-o", inWork("refuse"), join(source, "test/refuse.c")]);
  sample = packSample("sample");
  large = packSample("large", [`-DBALLAST_MIB=${LARGE_MIB}`]);
});

afterAll(() => rmSync(work, { recursive: true }));

describe("a packed program", () => {
  test("gets its arguments as they are", () => {
    const args = ["echo", "", "two words", "naïve ☂", "--flag=1", "'\"$\\"];
    expect(run([sample.packed, ...args]).stdout.split("\0")).toEqual([sample.packed, ...args, ""]);
  });

  test("gets `healthcheck` with more arguments", () => {
    expect(run([sample.packed, "healthcheck", "now"]).stdout).toBe("program: healthcheck now \n");
  });

  test("gets its environment", () => {
    expect(run([sample.packed], { env: { SAMPLE: "naïve ☂" } }).stdout).toBe("program: naïve ☂\n");
  });

  test("gets standard input and output", () => {
    const input = Buffer.alloc(MIB, "0123456789\n");
    expect(run([sample.packed, "cat"], { input }).stdout).toBe(input.toString());
  });

  test("keeps no memory for a gap between its segments", () => {
    const gap = 64 * MIB;
    const flags = ["-no-pie", `-Wl,--section-start=.data=0x${gap.toString(16)}`];
    const { packed } = packSample("apart", flags);
    const { stdout } = run(["sh", "-c", `exec ${packed} cat < /proc/self/status`]);
    const resident = Number(/^VmRSS:\s+(\d+) kB$/m.exec(stdout)?.[1]) * 1024;
    expect(resident).toBeLessThan(gap / 2);
  });

  test("gives its exit status", () => {
    for (const status of [0, 1, 42, 255]) {
      expect(run([sample.packed, "exit", String(status)])).toEqual({
        status,
        signal: null,
        stdout: "",
        stderr: "",
      });
    }
  });

  test("gives the signal it dies of", () => {
    expect(run([sample.packed, "abort"]).signal).toBe("SIGABRT");
  });

  test("has the signals and files it would have had without the launcher", () => {
    expect(run([sample.packed, "state"])).toEqual(run([sample.plain, "state"]));
  });

  test("ignores the signals its caller ignores", () => {
    const ignoring = (program: string) => [
      "sh",
      "-c",
      `trap '' INT TERM HUP; exec ${program} state`,
    ];
    const state = run(ignoring(sample.packed));
    expect(state.stdout).toContain("ignored 15\n");
    expect(state).toEqual(run(ignoring(sample.plain)));
  });

  test("is found through PATH", () => {
    expect(
      run(["sh", "-c", "sample-packed exit 3"], { env: { PATH: `${work}:${process.env.PATH}` } })
        .status,
    ).toBe(3);
  });

  test("starts on kernels that cannot give it all its memory at once", () => {
    const einval = "22";
    const command = [inWork("refuse"), "madvise", einval, "0", sample.packed, "exit", "3"];
    expect(run(command).status).toBe(3);
  });
});

/** Where the segments are in a file that the kernel loads. */
function segmentsOf(file: Buffer) {
  const PT_LOAD = 1;
  const table = Number(file.readBigUInt64LE(32));
  return Array.from({ length: file.readUInt16LE(56) }, (_, i) => table + 56 * i)
    .filter((segment) => file.readUInt32LE(segment) === PT_LOAD)
    .map((segment) => {
      const start = Number(file.readBigUInt64LE(segment + 8));
      return { start, end: start + Number(file.readBigUInt64LE(segment + 32)) };
    });
}

/** Where the payload begins: at the last segment of the launcher. */
function payloadOffset(file: Buffer) {
  return Math.max(...segmentsOf(file).map(({ start }) => start));
}

describe("the launcher itself", () => {
  const timeout = 10_000;

  test("with a damaged byte in any segment does not run the program, and mostly reports it", () => {
    const file = readFileSync(sample.packed);
    const damaged = inWork("damaged");
    copyFileSync(sample.packed, damaged);
    const counts = { tried: 0, reported: 0 };
    for (const { start, end } of segmentsOf(file)) {
      if (start === payloadOffset(file)) continue;
      for (let offset = start; offset < end; offset += 97) {
        const copy = Buffer.from(file);
        copy.writeUInt8(file.readUInt8(offset) ^ 0xff, offset);
        writeFileSync(damaged, copy);
        const { status, stdout, stderr } = run([damaged, "exit", "3"], { timeout });
        expect([offset, status, stdout]).not.toEqual([offset, 3, ""]);
        counts.tried++;
        if (status === EX_SOFTWARE && DAMAGED.test(stderr)) counts.reported++;
      }
    }
    // The rest ends before the launcher can report: the kernel refuses the headers, or the C library fails.
    expect(counts.tried).toBeGreaterThan(1000);
    expect(counts.reported / counts.tried).toBeGreaterThan(0.95);
  });

  test("of which only the first pages are there ends", () => {
    const start = payloadOffset(readFileSync(sample.packed));
    const cut = inWork("cut");
    for (let size = 4096; size < start; size += 4096) {
      copyFileSync(sample.packed, cut);
      truncateSync(cut, size);
      expect(run([cut, "exit", "3"], { timeout })).toMatchObject({ stdout: "" });
    }
  });

  test("reports damage to a health check too", () => {
    const file = readFileSync(sample.packed);
    const damaged = inWork("damaged");
    file.writeUInt8(file.readUInt8(payloadOffset(file)) ^ 0xff, payloadOffset(file));
    copyFileSync(sample.packed, damaged);
    writeFileSync(damaged, file);
    expect(run([damaged, "healthcheck"])).toMatchObject({ status: EX_SOFTWARE, stdout: "" });
  });

  test("ends if a fault interrupts its report", () => {
    const [program, empty] = [inWork("fault-in-report"), inWork("empty")];
    writeFileSync(empty, "");
    succeed([
      ...["cc", "-O2", "-o", program],
      ...["test/fault-in-report.c", "report.c"].map((name) => join(source, name)),
    ]);
    expect(run([program, empty], { timeout })).toMatchObject({
      status: 3,
      signal: null,
      stderr: "the report has failed\n",
    });
  });
});

describe("a payload", () => {
  /** The header's end and the end of every block's frame, as payload.h lays them out. */
  function payloadParts(file: Buffer, start: number) {
    const [fixedSize, blockSize, maxBlocks] = [72, 48, 5];
    const ends = [start + fixedSize + maxBlocks * blockSize];
    for (let i = 0; i < Number(file.readBigUInt64LE(start + 56)); i++) {
      const packedSize = Number(file.readBigUInt64LE(start + fixedSize + blockSize * i + 16));
      ends.push((ends.at(-1) ?? 0) + packedSize);
    }
    return ends;
  }

  const expectDamage = (program: string) => {
    const result = run([program, "echo"]);
    expect(result).toMatchObject({ status: EX_SOFTWARE, stdout: "" });
    expect(result.stderr).toMatch(DAMAGED);
  };

  test("fills the file, in four blocks", () => {
    const file = readFileSync(sample.packed);
    const ends = payloadParts(file, payloadOffset(file));
    expect(ends).toHaveLength(5);
    expect(ends.at(-1)).toBe(file.length);
  });

  test("with any byte of its header damaged is not run", () => {
    const file = readFileSync(sample.packed);
    const start = payloadOffset(file);
    const [headerEnd = 0] = payloadParts(file, start);
    const damaged = inWork("damaged");
    copyFileSync(sample.packed, damaged);
    for (let offset = start; offset < headerEnd; offset++) {
      const copy = Buffer.from(file);
      copy.writeUInt8(file.readUInt8(offset) ^ 0xff, offset);
      writeFileSync(damaged, copy);
      expectDamage(damaged);
    }
  });

  test("with a damaged byte in any block is not run", () => {
    const file = readFileSync(sample.packed);
    const ends = payloadParts(file, payloadOffset(file));
    const damaged = inWork("damaged");
    copyFileSync(sample.packed, damaged);
    for (let block = 1; block < ends.length; block++) {
      const [start = 0, end = 0] = ends.slice(block - 1, block + 1);
      for (let part = 0; part <= 16; part++) {
        const offset = start + Math.floor(((end - 1 - start) * part) / 16);
        const copy = Buffer.from(file);
        copy.writeUInt8(file.readUInt8(offset) ^ 0xff, offset);
        writeFileSync(damaged, copy);
        expectDamage(damaged);
      }
    }
  });

  test("that is incomplete is not run", () => {
    const { length } = readFileSync(sample.packed);
    const start = payloadOffset(readFileSync(sample.packed));
    const cut = inWork("cut");
    const lengths = [start, start + 1, start + 100, start + 4096, length - 4096, length - 8];
    for (let part = 1; part < 16; part++)
      lengths.push(start + Math.floor(((length - start) * part) / 16));
    for (const size of lengths) {
      copyFileSync(sample.packed, cut);
      truncateSync(cut, size);
      expectDamage(cut);
    }
  });

  test("that is empty is reported", () => {
    expect(run([launcher, "echo"])).toEqual({
      status: EX_SOFTWARE,
      signal: null,
      stdout: "",
      stderr: "thimble: there is no program in this executable\n",
    });
  });
});

describe("pack", () => {
  function copyOf(program: string) {
    copyFileSync(program, inWork("copy"));
    return inWork("copy");
  }

  test("makes the same bytes of the same files", () => {
    succeed([pack, launcher, sample.plain, inWork("again")]);
    expect(readFileSync(inWork("again")).equals(readFileSync(sample.packed))).toBe(true);
  });

  test.each([
    ["dynamic", ["-Wl,-z,max-page-size=65536"]],
    ["dynamic-at-fixed-address", ["-no-pie"]],
    ["static-anywhere", ["-static-pie"]],
    ["static-at-fixed-address", ["-static"]],
  ])("takes a program that is %s", (name, flags) => {
    const [plain, packed] = [inWork(name), inWork(`${name}-packed`)];
    succeed(["cc", "-O2", "-s", ...flags, "-o", plain, join(source, "test/sample.c")]);
    succeed([pack, launcher, plain, packed]);
    expect(run([plain, "vector"]).status).toBe(0);
    expect(run([packed, "vector"])).toMatchObject({ status: 0, stderr: "" });
    expect(run([plain, "maps"]).status).toBe(0);
    expect(run([packed, "maps"])).toMatchObject({ status: 0, stderr: "" });
    expect(run([packed, "exit", "3"]).status).toBe(3);
  });

  test("takes no memory for a wide gap between segments", () => {
    const { plain, packed } = packSample("far", ["-DFAR", "-Wl,--section-start=.far=0x10000000"]);
    expect(run([plain, "echo", "a"]).stdout).toBe(`${plain}\0echo\0a\0`);
    expect(run([packed, "echo", "a"]).stdout).toBe(`${packed}\0echo\0a\0`);
    // The gap has 250 MiB; the rest is what the process that starts it had.
    expect(Number(run([packed, "peak"]).stdout) / 1024).toBeLessThan(150);
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])("takes a program of about %d pages", (pages) => {
    const [plain, packed] = [inWork("small"), inWork("small-packed")];
    const flags = ["-nostdlib", "-static", "-Wl,-z,noseparate-code"];
    succeed(["cc", "-O2", ...flags, "-o", plain, join(source, "test/small.c")]);
    for (const size of [pages * 4096 - 1, pages * 4096, pages * 4096 + 1]) {
      const [fileSize, memorySize] = [64 + 32, 64 + 40]; // of the only loadable segment
      const program = readFileSync(plain);
      program.writeBigUInt64LE(BigInt(size), fileSize);
      program.writeBigUInt64LE(BigInt(size), memorySize);
      writeFileSync(plain, program);
      succeed([pack, launcher, plain, packed]);
      expect(run([packed])).toEqual({ status: 7, signal: null, stdout: "", stderr: "" });
    }
  });

  test.each([
    ["too few arguments", () => [pack, launcher], "usage: pack LAUNCHER PROGRAM OUTPUT"],
    [
      "a launcher that is none",
      () => [pack, sample.plain, sample.plain, inWork("x")],
      "not the launcher",
    ],
    ["a packed launcher", () => [pack, sample.packed, sample.plain, inWork("x")], "already packed"],
    [
      "a program that is no ELF file",
      () => [pack, launcher, join(source, "Makefile"), inWork("x")],
      "ELF",
    ],
    [
      "a program for another machine",
      () => {
        const program = readFileSync(sample.plain);
        program.writeUInt16LE(0xb7, 18); // EM_AARCH64
        writeFileSync(inWork("copy"), program);
        return [pack, launcher, inWork("copy"), inWork("x")];
      },
      "different machines",
    ],
    [
      "a program whose headers are elsewhere",
      () => {
        const program = readFileSync(sample.plain);
        program.copy(program, program.length - 4096, 64, 64 + 56 * program.readUInt16LE(56));
        program.writeBigUInt64LE(BigInt(program.length - 4096), 32);
        writeFileSync(inWork("copy"), program);
        return [pack, launcher, inWork("copy"), inWork("x")];
      },
      "not in its first segment",
    ],
    [
      "a program with a segment that ends beyond all memory",
      () => {
        const program = readFileSync(sample.plain);
        const [address, memorySize] = [64 + 16, 64 + 40]; // of the first segment
        program.writeBigUInt64LE(2n ** 64n - 4096n, address);
        program.writeBigUInt64LE(2n ** 62n, memorySize);
        writeFileSync(inWork("copy"), program);
        return [pack, launcher, inWork("copy"), inWork("x")];
      },
      "outside of memory",
    ],
    [
      "a program whose segments are not all there",
      () => {
        truncateSync(copyOf(sample.plain), 4096);
        return [pack, launcher, inWork("copy"), inWork("x")];
      },
      "outside of its file",
    ],
    ["a missing program", () => [pack, launcher, inWork("none"), inWork("x")], "cannot read"],
    [
      "an output that cannot be written",
      () => [pack, launcher, sample.plain, inWork("none/x")],
      "cannot write",
    ],
  ])("refuses %s", (_, command, reason) => {
    const result = run(command());
    expect(result.status).toBe(1);
    expect(result.stderr).toMatch(new RegExp(`^pack: [^\\n]*${reason}[^\\n]*\\n$`));
  });
});

describe("the filter", () => {
  const filters = { none: 0, x86_64: 1, aarch64: 2 };
  type Direction = (filter: number, bytes: Uint8Array, position: number) => void;
  let encode: Direction;
  let decode: Direction;

  beforeAll(() => {
    const library = inWork("filter.so");
    succeed(["cc", "-O2", "-shared", "-fPIC", "-o", library, join(source, "filter.c")]);
    const signature = { args: ["i32", "ptr", "u64", "u64"], returns: "void" } as const;
    const { symbols } = dlopen(library, { filter_encode: signature, filter_decode: signature });
    // An empty array has no address: it gets space for one byte that is not counted.
    const call =
      (direction: typeof symbols.filter_encode): Direction =>
      (filter, bytes, position) => {
        const room = new Uint8Array(bytes.length + 1);
        room.set(bytes);
        direction(filter, ptr(room), bytes.length, position);
        bytes.set(room.subarray(0, bytes.length));
      };
    encode = call(symbols.filter_encode);
    decode = call(symbols.filter_decode);
  });

  /** Pseudo-random, so that a failure can be repeated: https://en.wikipedia.org/wiki/Xorshift */
  function* numbers(seed: number) {
    for (let x = seed; ; yield x >>> 0) {
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
    }
  }

  /** Bytes with many opcodes of calls and many distances at the edges of what is rewritten. */
  function code(seed: number, size: number) {
    const frequent = [0xe8, 0xe8, 0xe9, 0x00, 0x07, 0x08, 0xf7, 0xf8, 0xff, 0x94, 0x97];
    const random = numbers(seed);
    return Uint8Array.from({ length: size }, () => {
      const number = random.next().value ?? 0;
      return number % 3 === 0 ? number >>> 8 : (frequent[(number >>> 8) % frequent.length] ?? 0);
    });
  }

  test.each(Object.entries(filters))("%s is reversible", (_, filter) => {
    for (let seed = 1; seed <= 2000; seed++) {
      const size = seed % 100;
      const position = Math.floor(((seed * 2_654_435_761) % 2 ** 33) / 4) * 4;
      const bytes = code(seed, size);
      const copy = bytes.slice();
      encode(filter, copy, position);
      decode(filter, copy, position);
      expect(copy).toEqual(bytes);
    }
  });

  test("makes calls of one function alike", () => {
    const call = (distance: number) => [0xe8, distance & 0xff, distance >> 8, 0, 0];
    const x86 = Uint8Array.from([...call(0x1000), ...call(0x1000 - 5)]);
    encode(filters.x86_64, x86, 0x400000);
    expect(x86.subarray(0, 5)).toEqual(x86.subarray(5));

    const branch = (words: number) => [words & 0xff, words >> 8, 0, 0x94];
    const aarch64 = Uint8Array.from([...branch(0x100), ...branch(0xff)]);
    encode(filters.aarch64, aarch64, 0x400000);
    expect(aarch64.subarray(0, 4)).toEqual(aarch64.subarray(4));
  });
});

describe("a host", () => {
  const [eperm, eagain, enomem, eacces] = ["1", "11", "12", "13"];
  const expectRefusal = (command: string[], message: RegExp) => {
    const result = run(command);
    expect(result).toMatchObject({ status: EX_OSERR, stdout: "" });
    expect(result.stderr).toMatch(message);
  };

  const forbidden = /^thimble: this host forbids .*mprotect.* `standard` image\n$/;
  const noMemory = /^thimble: not enough memory .*mmap.* `standard` image\n$/;
  const noThreads =
    /^thimble: only 1 of 8 threads can be made; .* \(`--pids-limit`, `ulimit -u`\)\n$/;
  const ofTheProgram = String(LARGE_MIB * MIB); // a bit of the size of its memory alone
  test.each([
    ["mprotect", eperm, "0", forbidden],
    ["mprotect", eacces, "0", forbidden],
    ["mmap", enomem, ofTheProgram, noMemory],
    ["clone", eagain, "0", noThreads],
    ["clone", eperm, "0", noThreads],
  ])("on which %s fails with error %s gets its own message", (call, error, bits, message) => {
    expectRefusal([inWork("refuse"), call, error, bits, large.packed, "exit", "0"], message);
  });

  test("on which the program's address is used cannot start it", () => {
    const { packed } = packSample("high", ["-no-pie", "-Wl,-Ttext-segment=0x60000000"]);
    expectRefusal([packed, "exit", "0"], /^thimble: cannot start the program \(mmap: [^\n]+\)\n$/);
  });

  test.each([
    ["is missing", () => {}, "No such file or directory"],
    ["is empty", (linker: string) => writeFileSync(linker, ""), "Exec format error"],
    ["is none", (linker: string) => writeFileSync(linker, Buffer.alloc(8192)), "Exec format error"],
    ["is a directory", (linker: string) => mkdirSync(linker), "Is a directory"],
  ])("where the program's dynamic linker %s cannot start it", (what, make, reason) => {
    const name = what.replaceAll(" ", "-");
    const [plain, packed, linker] = ["", "-packed", "-linker"].map((part) => inWork(name + part));
    make(linker ?? "");
    succeed([
      ...["cc", "-O2", `-Wl,--dynamic-linker=${linker}`],
      ...["-o", plain ?? "", join(source, "test/sample.c")],
    ]);
    succeed([pack, launcher, plain ?? "", packed ?? ""]);
    const result = run([packed ?? "", "exit", "0"]);
    expect(result).toMatchObject({
      status: EX_OSERR,
      stderr: `thimble: cannot load the dynamic linker ${linker}: ${reason}\n`,
    });
  });

  test.each([LARGE_MIB / 8, LARGE_MIB * 2])("with an address space of %d MiB is refused", (mib) => {
    const message = new RegExp(
      `^thimble: the address space is limited to ${mib} MiB and 41[67] MiB are needed; [^\n]+\n$`,
    );
    expectRefusal(["sh", "-c", `ulimit -v ${mib * 1024}; exec ${large.packed} exit 0`], message);
  });

  test("with an address space large enough runs the program", () => {
    const kib = (LARGE_MIB + 300) * 1024;
    expect(run(["sh", "-c", `ulimit -v ${kib}; exec ${large.packed} exit 3`])).toMatchObject({
      status: 3,
      stderr: "",
    });
  });

  testWithNamespaces("without /proc is refused", () => {
    const script = `umount --lazy /proc && exec ${sample.packed} exit 3`;
    expectRefusal(
      ["unshare", "--mount", "sh", "-c", script],
      /^thimble: the program needs \/proc\/self\/maps, which cannot be read \([^\n]+\); mount \/proc\n$/,
    );
  });

  /** Runs a program that sees the given files, and only these, in /sys/fs/cgroup. */
  const withControlGroup = (files: Record<string, string>, program: string, command = "exit 3") => {
    const writes = Object.entries(files).map(([name, text]) => {
      const path = `/sys/fs/cgroup/${name}`;
      return `mkdir -p $(dirname ${path}) && echo "${text}" >${path}`;
    });
    const script = [
      "mount -t tmpfs none /sys/fs/cgroup",
      ...writes,
      `exec ${program} ${command}`,
    ].join(" && ");
    return ["unshare", "--mount", "sh", "-c", script];
  };
  const limit = String(48 * MIB);
  const tooSmall =
    /^thimble: the memory limit is 48 MiB and 16[12] MiB are needed; [^\n]* `standard` image\n$/;

  testWithNamespaces("with a small memory limit reports it before the unpacking", () => {
    expectRefusal(withControlGroup({ "memory.max": limit }, large.packed), tooSmall);
    expectRefusal(
      withControlGroup({ "memory/memory.limit_in_bytes": limit }, large.packed),
      tooSmall,
    );
  });

  testWithNamespaces("with too little of its memory left reports it too", () => {
    const inUse = 100 * MIB;
    const limit = String((LARGE_MIB + 130) * MIB);
    const message = /^thimble: the memory limit is 258 MiB and 26[12] MiB are needed; [^\n]+\n$/;
    for (const files of [
      { "memory.max": limit, "memory.stat": `anon ${inUse}` },
      { "memory/memory.limit_in_bytes": limit, "memory/memory.stat": `cache 1\nrss ${inUse}` },
    ]) {
      expectRefusal(withControlGroup(files, large.packed), message);
    }
    // The file cache does not count.
    const cached = { "memory.max": limit, "memory.stat": `anon 4096\nfile ${inUse}` };
    expect(run(withControlGroup(cached, large.packed))).toMatchObject({ status: 3, stderr: "" });
  });

  testWithNamespaces("names the memory that a limit leaves, in no variable", () => {
    const limit = String((LARGE_MIB + 36) * MIB);
    const { stdout } = run(withControlGroup({ "memory.max": limit }, large.packed, "hint"));
    const left = Number(/^UN_JSC_forceRAMSize=(\d+)\n$/.exec(stdout)?.[1]);
    expect(left).toBeGreaterThan(30 * MIB);
    expect(left).toBeLessThan(36 * MIB);
    expect(run([large.packed, "hint"], { env: { BUN_JSC_forceRAMSize: "1" } }).stdout).toBe("");
  });

  testWithNamespaces("with a large memory limit, or none, runs the program", () => {
    const unlimited: Record<string, string>[] = [
      {},
      { "memory.max": "max" },
      { "memory.max": String((LARGE_MIB + 36) * MIB) },
      { "memory/memory.limit_in_bytes": "9223372036854771712" },
    ];
    for (const files of unlimited) {
      expect(run(withControlGroup(files, large.packed))).toMatchObject({ status: 3, stderr: "" });
    }
  });
});

describe("healthcheck", () => {
  const servers: Server[] = [];
  const sockets: Socket[] = [];

  /** A server that calls `answer` with each connection; resolves to its port. */
  function listen(answer: (socket: Socket) => void, host = "127.0.0.1") {
    return new Promise<string>((resolve, reject) => {
      const server = createServer((socket) => {
        sockets.push(socket);
        socket.on("error", () => {});
        answer(socket);
      });
      servers.push(server);
      server.on("error", reject);
      server.listen(0, host, () => {
        const address = server.address();
        resolve(String(typeof address === "object" ? address?.port : undefined));
      });
    });
  }

  const say = (text: string) => (socket: Socket) => {
    socket.once("data", () => socket.end(text));
  };
  const ok = say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");

  afterAll(() => {
    for (const socket of sockets) socket.destroy();
    for (const server of servers) server.close();
  });

  /** Unlike run(), leaves the servers of this process alive. */
  async function check(env: Record<string, string>, program = sample.packed) {
    const child = Bun.spawn([program, "healthcheck"], { env, stdout: "pipe", stderr: "pipe" });
    const [stdout, stderr, status] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { status, stdout, stderr };
  }
  const READY = { status: 0, stdout: "ready\n", stderr: "" };
  const notReady = (reason: string) => ({ status: 1, stdout: "", stderr: `thimble: ${reason}\n` });
  const LEFT_TO_PROGRAM = { status: 0, stdout: "program: healthcheck \n", stderr: "" };

  test("asks for /ready", async () => {
    let request = "";
    const port = await listen((socket) => {
      socket.on("data", (data) => {
        request += data;
        if (request.endsWith("\r\n\r\n")) socket.end("HTTP/1.1 200 OK\r\n\r\n");
      });
    });
    expect(await check({ PORT: port })).toEqual(READY);
    expect(request).toBe(
      `GET /ready HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`,
    );
  });

  test("needs no program", async () => {
    expect(await check({ PORT: await listen(ok) }, launcher)).toEqual(READY);
  });

  test("understands Bun's own server", async () => {
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request) =>
        new Response("ok", { status: new URL(request.url).pathname === "/ready" ? 200 : 404 }),
    });
    expect(await check({ PORT: String(server.port) })).toEqual(READY);
    await server.stop(true);
  });

  test.each(["", "0.0.0.0", "127.0.0.1", "::", "0:0:0:0:0:0:0:0"])(
    "reaches a server that listens on HOST=%s",
    async (HOST) => {
      expect(await check({ HOST, PORT: await listen(ok) })).toEqual(READY);
    },
  );

  test("reaches another IPv4 address", async () => {
    expect(await check({ HOST: "127.0.0.2", PORT: await listen(ok, "127.0.0.2") })).toEqual(READY);
  });

  testWithIpv6("reaches IPv6 addresses", async () => {
    const PORT = await listen(ok, "::1");
    for (const HOST of ["::1", "0:0:0:0:0:0:0:1"])
      expect(await check({ HOST, PORT })).toEqual(READY);
  });

  testWithIpv6("names an IPv6 address as a URL does", async () => {
    expect(await check({ HOST: "::1", PORT: "1" })).toEqual(
      notReady("no answer on [::1]:1: Connection refused"),
    );
  });

  test("accepts an answer that comes in pieces", async () => {
    const port = await listen((socket) => {
      const pieces = ["HT", "TP/1.", "1 20", "0", " OK\r\n\r\n"];
      const next = () => {
        const piece = pieces.shift();
        if (piece !== undefined) socket.write(piece, () => setTimeout(next, 10));
      };
      socket.setNoDelay();
      socket.once("data", next);
    });
    expect(await check({ PORT: port })).toEqual(READY);
  });

  test.each([
    ["HTTP/1.1 503 Service Unavailable\r\n\r\n", "not ready: HTTP 503"],
    ["HTTP/1.0 404 Not Found\r\n\r\n", "not ready: HTTP 404"],
    ["HTTP/1.1 204\r\n\r\n", "not ready: HTTP 204"],
  ])("tells the status of %j", async (answer, reason) => {
    expect(await check({ PORT: await listen(say(answer)) })).toEqual(notReady(reason));
  });

  test.each([
    ["nothing", ""],
    ["half a status line", "HTTP/1.1 20"],
    ["a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n"],
    ["a signed status", "HTTP/1.1 +20 OK\r\n\r\n"],
    ["another version", "HTTP/2 200 OK\r\n\r\n\r\n"],
    ["another protocol", "RTSP/1.0 200 OK\r\n\r\n"],
    ["a status in the wrong place", "HTTP/1.1_200 OK\r\n\r\n"],
    ["TLS", "\x15\x03\x01\x00\x02\x02\x16"],
    ["much of something else", "x".repeat(4096)],
  ])("does not take %s for an answer", async (_, answer) => {
    const PORT = await listen(say(answer));
    expect(await check({ PORT })).toEqual(notReady(`no HTTP answer on 127.0.0.1:${PORT}`));
  });

  test("reports that nobody listens", async () => {
    expect(await check({ PORT: "1" })).toEqual(
      notReady("no answer on 127.0.0.1:1: Connection refused"),
    );
  });

  testWithNamespaces("asks on port 5000 by default", () => {
    // In its own network, where nothing listens.
    const command = ["unshare", "--net", sample.packed, "healthcheck"];
    for (const env of [{}, { PORT: "" }]) {
      expect(run(command, { env }).stderr).toContain("no answer on 127.0.0.1:5000: ");
    }
  });

  test("asks on METRICS_PORT if the health routes have their own port", async () => {
    const METRICS_PORT = await listen(ok);
    expect(await check({ PORT: "1", METRICS_PORT })).toEqual(READY);
    expect(await check({ PORT: METRICS_PORT, METRICS_PORT: "" })).toEqual(READY);
    expect(await check({ TLS_CERT_FILE: "/cert.pem", METRICS_PORT })).toEqual(READY);
    expect(await check({ PORT: METRICS_PORT, METRICS_PORT: "1" })).toEqual(
      notReady("no answer on 127.0.0.1:1: Connection refused"),
    );
  });

  test("ignores a METRICS_PORT that Kubernetes has set for a Service of that name", async () => {
    const PORT = await listen(ok);
    for (const link of ["tcp://10.0.0.1:9090", "udp://10.0.0.1:53", "sctp://[fd00::1]:1"]) {
      expect(await check({ PORT, METRICS_PORT: link })).toEqual(READY);
    }
    for (const METRICS_PORT of ["tcp://10.0.0.1", "tcp://10.0.0.1:", "tcp://:x", "http://a:1"]) {
      expect(await check({ PORT, METRICS_PORT })).toEqual(
        notReady("METRICS_PORT must be a whole number from 1 to 65535"),
      );
    }
  });

  test("does not wait for ever", async () => {
    const silent = await listen(() => {});
    const slow = await listen((socket) => {
      const timer = setInterval(() => socket.write("H"), 400);
      socket.on("close", () => clearInterval(timer));
    });
    const timedOut = (port: string) =>
      notReady(`no answer on 127.0.0.1:${port}: Operation timed out`);
    const [ofSilent, ofSlow] = await Promise.all([check({ PORT: silent }), check({ PORT: slow })]);
    expect(ofSilent).toEqual(timedOut(silent));
    expect(ofSlow).toEqual(timedOut(slow));
  });

  test.each([
    "0",
    "65536",
    "70000",
    "99999999999999999999",
    "-1",
    "+80",
    " 80",
    "80 ",
    "80a",
    "0x50",
    "http",
  ])("refuses PORT=%j", async (PORT) => {
    expect(await check({ PORT })).toEqual(notReady("PORT must be a whole number from 1 to 65535"));
  });

  test("refuses a METRICS_PORT that is not a port", async () => {
    expect(await check({ METRICS_PORT: "no", PORT: await listen(ok) })).toEqual(
      notReady("METRICS_PORT must be a whole number from 1 to 65535"),
    );
  });

  test.each([
    { HOST: "localhost" },
    { HOST: "127.1" },
    { HOST: "[::1]" },
    { HOST: "fe80::1%lo" },
    { TLS_CERT_FILE: "/cert.pem" },
  ])("is left to the program with %j", async (env) => {
    expect(await check({ ...env, PORT: await listen(ok) })).toEqual(LEFT_TO_PROGRAM);
  });

  test("is not left to the program for an empty TLS_CERT_FILE", async () => {
    expect(await check({ TLS_CERT_FILE: "", PORT: await listen(ok) })).toEqual(READY);
  });
});

describe("a program of Bun", () => {
  const plain = inWork("server");
  const packed = inWork("server-packed");

  beforeAll(() => {
    succeed([
      process.execPath,
      "build",
      "--compile",
      "--outfile",
      plain,
      join(source, "test/server.ts"),
    ]);
    succeed([pack, launcher, plain, packed]);
  });

  test("is served by its packed self, gets SIGTERM and gives its status", async () => {
    const child = Bun.spawn([packed], { stdout: "pipe" });
    const { value } = await child.stdout.getReader().read();
    const answer = await fetch(`http://127.0.0.1:${new TextDecoder().decode(value).trim()}/`);
    expect(await answer.text()).toBe("hello");
    child.kill("SIGTERM");
    expect(await child.exited).toBe(7);
  });

  /** Whether the launcher has memory for the program, and still writes to it. */
  const isUnpacking = (pid: number) => {
    try {
      const [first = ""] = readFileSync(`/proc/${pid}/maps`, "utf8").split("\n");
      return / rw-p .* 0\s*$/.test(first);
    } catch {
      return false; // it ended in between
    }
  };

  /** Stops a process while it unpacks. */
  function stopWhileUnpacking(pid: () => number | undefined) {
    for (const deadline = Date.now() + 10_000; Date.now() < deadline; ) {
      const id = pid();
      if (id === undefined || !isUnpacking(id)) continue;
      process.kill(id, "SIGSTOP");
      if (isUnpacking(id)) return id;
      process.kill(id, "SIGKILL");
      return undefined;
    }
    return undefined;
  }

  /** Tries again if the machine was too slow to stop it in time. */
  async function signalWhileUnpacking(
    command: string[],
    pidOf: (child: number) => number | undefined,
    signal: "SIGTERM" | "SIGINT",
  ) {
    for (let attempt = 0; attempt < 20; attempt++) {
      const child = Bun.spawn(command, { stdout: "ignore", stderr: "inherit" });
      const pid = stopWhileUnpacking(() => pidOf(child.pid));
      if (pid !== undefined) {
        process.kill(pid, signal);
        process.kill(pid, "SIGCONT");
      }
      // A launcher that ignores the signal would become a server, and stay.
      const impatience = setTimeout(() => process.kill(pid ?? child.pid, "SIGKILL"), 10_000);
      await child.exited;
      clearTimeout(impatience);
      if (pid !== undefined) return { status: child.exitCode, signal: child.signalCode };
    }
    throw new Error("the launcher was never seen unpacking");
  }

  test.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const)("is not begun after %s", async (signal, status) => {
    expect(await signalWhileUnpacking([packed], (child) => child, signal)).toEqual({
      status,
      signal: null,
    });
  });

  testWithNamespaces("is not begun after SIGTERM as process 1", async () => {
    const onlyChild = (pid: number) => {
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
      return children === "" ? undefined : Number(children);
    };
    const command = ["unshare", "--pid", "--fork", "--kill-child", packed];
    expect(await signalWhileUnpacking(command, onlyChild, "SIGTERM")).toEqual({
      status: 143,
      signal: null,
    });
  });
});

describe("a container", () => {
  const image = `launcher-test-${process.pid}`;
  const dockerRun = (...args: string[]) =>
    run([
      "docker",
      "run",
      "--rm",
      "--network",
      "none",
      "--read-only",
      "--cap-drop",
      "ALL",
      "--security-opt",
      "no-new-privileges",
      ...args,
    ]);

  beforeAll(() => {
    if (!docker) return;
    const context = mkdtempSync(join(work, "image-"));
    copyFileSync(large.packed, join(context, "program"));
    writeFileSync(
      join(context, "Dockerfile"),
      'FROM scratch\nCOPY program /program\nENTRYPOINT ["/program"]\n',
    );
    succeed(["docker", "build", "--quiet", "--tag", image, context]);
  });

  afterAll(() => {
    if (docker) run(["docker", "image", "rm", "--force", image]);
  });

  testWithDocker("of nothing else runs the program as any user", () => {
    expect(dockerRun("--user", "65532:65532", image, "exit", "3")).toMatchObject({
      status: 3,
      stderr: "",
    });
  });

  testWithDocker("with too few processes tells so", () => {
    const result = dockerRun("--pids-limit", "4", image, "exit", "3");
    expect(result).toMatchObject({
      status: EX_OSERR,
      stdout: "",
      stderr: expect.stringMatching(/^thimble: only [34] of 8 threads can be made; [^\n]+\n$/),
    });
    expect(dockerRun("--pids-limit", "8", image, "exit", "3")).toMatchObject({ status: 3 });
  });

  testWithDocker("needs no more memory than the program", () => {
    const memory = `${LARGE_MIB + 36}m`;
    const result = dockerRun("--memory", memory, "--memory-swap", memory, image, "exit", "3");
    expect(result).toMatchObject({ status: 3, stderr: "" });
  });

  testWithDocker("with too little memory tells so", () => {
    const result = dockerRun("--memory", "48m", "--memory-swap", "48m", image, "exit", "3");
    expect(result.status).toBe(EX_OSERR);
    expect(result.stderr).toMatch(
      /^thimble: the memory limit is 48 MiB and 16[12] MiB are needed; [^\n]+\n$/,
    );
  });
});

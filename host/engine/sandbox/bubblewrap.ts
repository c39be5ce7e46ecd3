import { delimiter, isAbsolute } from 'node:path';
import type { Command, Sandbox } from './sandbox.ts';

/**
 * Where systems keep programs and libraries, drivers included: the usual folders, add-ons (ROCm, CUDA), and the stores
 * of NixOS and Guix.
 */
const SYSTEM_FOLDERS = [
  ...['/usr', '/lib', '/lib32', '/lib64', '/libx32', '/bin', '/sbin', '/opt'],
  ...['/nix/store', '/gnu/store', '/run/current-system', '/run/opengl-driver', '/run/opengl-driver-32'],
];

/** What the dynamic loader and GPU drivers read in `/etc`. */
const SYSTEM_FILES = [
  ...['ld.so.cache', 'ld.so.conf', 'ld.so.conf.d', 'alternatives', 'localtime'],
  ...['vulkan', 'OpenCL', 'glvnd', 'egl', 'nvidia', 'drirc'],
].map((name) => `/etc/${name}`);

/** Variables with paths of GPU drivers. */
const DRIVER_PATHS = ['LD_LIBRARY_PATH', 'VK_ICD_FILENAMES', 'VK_DRIVER_FILES', 'VK_ADD_DRIVER_FILES', 'CUDA_PATH'];

/** What {@link bubblewrap} needs to know of the computer. */
export interface BubblewrapOptions {
  /** The absolute path of `bwrap`. */
  readonly program: string;
  /** Files and folders of the runner and of Node.js. */
  readonly runtime: readonly string[];
  /** The device files of GPUs. */
  readonly devices: readonly string[];
  /** A folder for what GPU drivers compile, which takes minutes; undefined without a GPU. */
  readonly driverCache: string | undefined;
}

/**
 * Contains processes with bubblewrap (Linux). They end with this process, however it ends and whatever they do, even if
 * they are stopped.
 */
export function bubblewrap({ program, runtime, devices, driverCache }: BubblewrapOptions): Sandbox {
  return {
    kind: 'bubblewrap',
    wrap: (command, { folders, files, writable }) => {
      const readable = [
        ...SYSTEM_FOLDERS,
        ...SYSTEM_FILES,
        '/sys',
        ...driverPaths(command.env),
        ...runtime,
        ...folders,
      ];
      const args = [
        // Separate namespaces for network, processes, users and the rest; no capabilities.
        ...['--unshare-all', '--die-with-parent', '--cap-drop', 'ALL'],
        ...['--proc', '/proc', '--dev', '/dev'],
        ...devices.flatMap((device) => ['--dev-bind-try', device, device]),
        ...readable.flatMap((path) => ['--ro-bind-try', path, path]),
        ...files.flatMap(({ path, target }) => ['--ro-bind', target, path]),
        ...(driverCache === undefined ? [] : ['--bind-try', driverCache, driverCache]),
        ...(writable === undefined ? [] : ['--bind', writable, writable]),
        // The folders above what is shown are in memory, and writable until here.
        ...['--remount-ro', '/', '--chdir', '/', '--', command.program, ...command.args],
      ];
      return { program, args, env: { ...command.env, ...cacheVariables(driverCache) } };
    },
  };
}

function driverPaths(env: NodeJS.ProcessEnv): string[] {
  return DRIVER_PATHS.flatMap((name) => (env[name] ?? '').split(delimiter)).filter((path) => isAbsolute(path));
}

/** Where drivers keep what they compile: Mesa, NVIDIA's for graphics, and CUDA. */
function cacheVariables(folder: string | undefined): NodeJS.ProcessEnv {
  if (folder === undefined) return {};
  return { XDG_CACHE_HOME: folder, __GL_SHADER_DISK_CACHE_PATH: folder, CUDA_CACHE_PATH: `${folder}/cuda` };
}

/** A command that ends with this process, even if it is stopped, by util-linux' `setpriv`. */
export function endingWithHost(setpriv: string, { program, args, env }: Command): Command {
  return { program: setpriv, args: ['--pdeathsig', 'KILL', '--', program, ...args], env };
}

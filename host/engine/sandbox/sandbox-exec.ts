import type { Sandbox, Visible } from './sandbox.ts';

/** Part of macOS. */
const PROGRAM = '/usr/bin/sandbox-exec';

/** Folders with data of users: only what a runner needs is visible in them. */
const USER_FOLDERS = ['/Users', '/Volumes', '/private/var/root', '/private/tmp'];

/** What {@link sandboxExec} needs to know of the computer. */
export interface SandboxExecOptions {
  /** Files and folders of the runner and of Node.js. */
  readonly runtime: readonly string[];
  /** The program that may be started: Node.js or the packaged host. */
  readonly program: string;
  /** The user's folder for caches, in which Metal keeps compiled shaders. */
  readonly driverCache: string | undefined;
}

/** Contains processes with `sandbox-exec` (macOS). */
export function sandboxExec(options: SandboxExecOptions): Sandbox {
  return {
    kind: 'sandbox-exec',
    wrap: (command, visible) => ({
      program: PROGRAM,
      args: ['-p', sandboxProfile(options, visible), command.program, ...command.args],
      env: command.env,
    }),
  };
}

/**
 * Returns the profile. The last rule that matches an operation decides. What is not denied stays allowed: Metal needs
 * services and devices whose names differ between versions of macOS.
 */
export function sandboxProfile({ runtime, program, driverCache }: SandboxExecOptions, visible: Visible): string {
  const { folders, files, writable: own } = visible;
  const readable = [...runtime, ...folders].map((path) => `(subpath ${quoted(path)})`);
  const single = files.flatMap(({ path, target }) =>
    [...new Set([path, target])].map((file) => `(literal ${quoted(file)})`),
  );
  const writable = [
    '(literal "/dev/null")',
    ...[driverCache, own].flatMap((folder) => (folder === undefined ? [] : [`(subpath ${quoted(folder)})`])),
  ];
  return [
    '(version 1)',
    '(allow default)',
    '(deny network*)',
    '(deny file-write*)',
    `(allow file-write* ${writable.join(' ')})`,
    `(deny file-read-data ${USER_FOLDERS.map((path) => `(subpath ${quoted(path)})`).join(' ')})`,
    `(allow file-read-data ${[...readable, ...single, ...writable].join(' ')})`,
    '(deny process-fork)',
    '(deny process-exec*)',
    `(allow process-exec* (literal ${quoted(program)}))`,
    '(deny signal)',
    '(allow signal (target self))',
    '(deny appleevent-send)',
  ].join('\n');
}

/** A string of the profile's language, which is Scheme's. */
function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

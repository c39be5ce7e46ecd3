import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { HostError } from '../common/errors.ts';
import { systemFolder } from '../common/find-program.ts';

/** The result of a program of Windows, such as `reg.exe`. */
export interface RegResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `reg.exe`, or another program of Windows, with these arguments, without a shell. */
export type RunReg = (args: readonly string[]) => Promise<RegResult>;

/** Longest such a program may take, in milliseconds; `reg.exe` answers in some 50. */
const TIMEOUT_MS = 30_000;

/** The real `reg.exe`. */
export function systemReg(env: Readonly<NodeJS.ProcessEnv>): RunReg {
  return systemProgram('reg.exe', env);
}

/** Returns what runs a program of Windows, without a shell. */
export function systemProgram(name: string, env: Readonly<NodeJS.ProcessEnv>): RunReg {
  const cwd = systemFolder({ env });
  const program = join(cwd, name);
  return (args) =>
    new Promise((resolve, reject) => {
      // latin1: the output is in the console's code page, and only its ASCII part is relied on.
      const options = { cwd, windowsHide: true, timeout: TIMEOUT_MS, encoding: 'latin1' } as const;
      execFile(program, [...args], options, (error, stdout, stderr) => {
        if (error && typeof error.code !== 'number') reject(error);
        else resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
      });
    });
}

/** Returns the default value of a key; undefined if there is none. */
export async function readKey(reg: RunReg, key: string): Promise<string | undefined> {
  const { code, stdout } = await reg(['query', key, '/ve']);
  if (code !== 0) return undefined;
  // The value's name is translated ("(Default)", "(Standard)"); its type is not.
  return /\sREG_SZ\s+(.*?)\s*$/m.exec(stdout)?.[1];
}

/** Sets the default value of a key, and creates the key if needed. Throws `REGISTRATION_FAILED`. */
export async function writeKey(reg: RunReg, key: string, value: string): Promise<void> {
  await expectSuccess(reg, ['add', key, '/ve', '/t', 'REG_SZ', '/d', value, '/f']);
}

/** Removes a key. Throws `REGISTRATION_FAILED`. */
export async function deleteKey(reg: RunReg, key: string): Promise<void> {
  await expectSuccess(reg, ['delete', key, '/f']);
}

/**
 * Returns whether the value read is the one written. Only ASCII is compared: what else a path holds comes back in the
 * console's code page, not in the letters it went in with.
 */
export function isSameValue(found: string, written: string): boolean {
  const pattern = written
    .split(/[^ -~]+/)
    .map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
    .join('.+');
  return new RegExp(`^${pattern}$`).test(found);
}

async function expectSuccess(reg: RunReg, args: readonly string[]): Promise<void> {
  const { code, stderr } = await reg(args);
  if (code === 0) return;
  const [verb, key] = args;
  throw new HostError(
    'REGISTRATION_FAILED',
    `The command "reg ${verb} ${key}" failed with exit code ${code}${stderr.trim() === '' ? '' : `: ${stderr.trim()}`}`,
    { details: { verb, key, exitCode: code } },
  );
}

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { HostError } from '../common/errors.ts';
import { systemFolder } from '../common/find-program.ts';

/** The result of a Windows program such as `reg.exe`. */
export interface RegResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `reg.exe`, or another Windows program, with arguments and without a shell. */
export type RunReg = (args: readonly string[]) => Promise<RegResult>;

/** Time limit for such a program, in milliseconds; `reg.exe` takes about 50 ms. */
const TIMEOUT_MS = 30_000;

/** Returns a function that runs the system's `reg.exe`. */
export function systemReg(env: Readonly<NodeJS.ProcessEnv>): RunReg {
  return systemProgram('reg.exe', env);
}

/** Returns a function that runs a Windows program without a shell. */
export function systemProgram(name: string, env: Readonly<NodeJS.ProcessEnv>): RunReg {
  const cwd = systemFolder({ env });
  const program = join(cwd, name);
  return (args) =>
    new Promise((resolve, reject) => {
      // The output is in the console's code page. Only its ASCII characters are used, so latin1 is sufficient.
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
  // The name of the value is localized ("(Default)", "(Standard)"); its type is not.
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
 * Returns whether the value that was read equals the one that was written. Compares only ASCII characters, because
 * others are returned in the console's code page.
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

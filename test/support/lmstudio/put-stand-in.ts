import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isSystemError } from '../../../host/common/errors.ts';

const SCRIPT = fileURLToPath(new URL('./stand-in-lms.mjs', import.meta.url));

/** Faulty behavior of the stand-in that a test can set. */
export type Mode = 'hang' | 'garbage' | 'refuse';

/** A run of the stand-in: its arguments and environment. */
export interface LmsCall {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Writes the stand-in for `lms` into a folder with LM Studio's layout. */
export function putStandIn(home: string) {
  const bin = join(home, 'bin');
  const internal = join(home, '.internal');
  mkdirSync(bin, { recursive: true });
  mkdirSync(internal, { recursive: true });
  // Node.js detects an ES module by its contents.
  const lms = join(bin, 'lms');
  writeFileSync(lms, `#!${process.execPath}\n${readFileSync(SCRIPT, 'utf8')}`);
  chmodSync(lms, 0o755);
  return {
    lms,
    bin,
    internal,
    setMode: (mode: Mode) => writeFileSync(join(internal, 'stand-in.mode'), mode),
    calls: (): LmsCall[] => {
      const file = join(internal, 'stand-in.calls');
      const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
      return lines.map((line) => JSON.parse(line) as LmsCall);
    },
    /** Stops the server that it started, if it still runs. */
    close: async () => {
      const file = join(internal, 'stand-in.pid');
      if (!existsSync(file)) return;
      try {
        process.kill(Number(readFileSync(file, 'utf8')));
      } catch (error) {
        if (!isSystemError(error, 'ESRCH')) throw error;
      }
    },
  };
}

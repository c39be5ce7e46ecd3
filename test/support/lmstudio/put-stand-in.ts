import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isSystemError } from '../../../host/common/errors.ts';

const SCRIPT = fileURLToPath(new URL('./stand-in-lms.mjs', import.meta.url));

/** What a test has the stand-in do in place of what is documented. */
export type Mode = 'hang' | 'garbage' | 'refuse';

/** One time it was run: with which words, in which environment. */
export interface LmsCall {
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Puts the stand-in for `lms` into a folder made like LM Studio's own, where `bin` is. */
export function putStandIn(home: string) {
  const bin = join(home, 'bin');
  const internal = join(home, '.internal');
  mkdirSync(bin, { recursive: true });
  mkdirSync(internal, { recursive: true });
  // An ES module whatever it is called: Node tells by what is in it.
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
    /** Ends the server it started, if that still runs. */
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

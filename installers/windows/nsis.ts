import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { requireProgram } from '../../host/common/find-program.ts';
import { dateFolder } from '../package/date-folder.ts';

/** What {@link makeNsisInstaller} needs. */
export interface NsisOptions {
  /** The packaged host, for Windows. */
  readonly hostFolder: string;
  readonly version: string;
  /** The installer to write. */
  readonly file: string;
  /** Bytes it takes once installed, for Windows' list of programs. */
  readonly bytes: number;
  /** The date of every file, seconds since 1970. */
  readonly time: number;
  /**
   * Makes a 64-bit installer, with fast compression, for tests on kernels that run no 32-bit programs. Users get a 32-bit
   * one: it runs on every Windows, also on Arm, and 64-bit support in NSIS is experimental.
   */
  readonly forTests?: boolean;
}

/** Makes the Windows installer. Runs wherever `makensis` does, on Debian too. */
export function makeNsisInstaller(options: NsisOptions): void {
  const { hostFolder, version, file, bytes, time, forTests = false } = options;
  dateFolder(hostFolder, time);
  const defines = {
    VERSION: version,
    // Windows wants four numbers.
    FILE_VERSION: `${version.replace(/[^0-9.].*$/, '')}.0`,
    SOURCE: hostFolder,
    OUTPUT: file,
    KIBIBYTES: String(Math.ceil(bytes / 1024)),
    ...(forTests ? { FOR_TESTS: '' } : {}),
  };
  const script = fileURLToPath(new URL('./installer.nsi', import.meta.url));
  const args = Object.entries(defines).map(([name, value]) => (value === '' ? `-D${name}` : `-D${name}=${value}`));
  execFileSync(requireProgram('makensis'), ['-V2', '-NOCD', ...args, script], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, SOURCE_DATE_EPOCH: String(time) },
  });
}

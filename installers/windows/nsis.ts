import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { requireProgram } from '../../host/common/find-program.ts';
import { setFolderTime } from '../package/set-folder-time.ts';

/** Options for {@link makeNsisInstaller}. */
export interface NsisOptions {
  /** The packaged host, for Windows. */
  readonly hostFolder: string;
  readonly version: string;
  /** The installer to write. */
  readonly file: string;
  /** Installed size in bytes, for the list of installed programs in Windows. */
  readonly bytes: number;
  /** The modification time of every file, in seconds since 1970. */
  readonly time: number;
  /**
   * Makes a 64-bit installer with fast compression, for tests on kernels that cannot run 32-bit programs. The published
   * installer is 32-bit: it runs on every Windows, including Arm, and 64-bit support in NSIS is experimental.
   */
  readonly forTests?: boolean;
}

/** Makes the Windows installer. Requires `makensis`, which is also available on Linux. */
export function makeNsisInstaller(options: NsisOptions): void {
  const { hostFolder, version, file, bytes, time, forTests = false } = options;
  setFolderTime(hostFolder, time);
  const defines = {
    VERSION: version,
    // Windows requires four numbers.
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

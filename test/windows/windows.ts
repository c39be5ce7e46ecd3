import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CommandResult } from '../support/cli/run-command.ts';
import { collectOutput } from '../support/cli/run-command.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The version that was packaged. */
export const VERSION: string = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version;

/** The packaged host and its installer, which `npm run package -- --target win-x64 --installers` makes. */
export const PACKAGE = join(root, 'out', `tabagent-host-${VERSION}-win-x64`);
export const SETUP = process.env.TABAGENT_TEST_SETUP ?? `${PACKAGE}-setup.exe`;

/** A folder name with characters that shells and launchers often handle wrongly. */
export const AWKWARD = 'Täb & Agent (100%) ^!';

/** A user who has never used the host, and folders to install it in. */
export class WindowsUser {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;

  private constructor(folder: string) {
    this.folder = folder;
    const home = this.home;
    const temp = join(home, 'AppData', 'Local', 'Temp');
    const own = {
      USERPROFILE: home,
      LOCALAPPDATA: join(home, 'AppData', 'Local'),
      APPDATA: join(home, 'AppData', 'Roaming'),
      TEMP: temp,
      TMP: temp,
      TABAGENT_KEYCHAIN: 'off',
      TABAGENT_GPU: 'off',
      HF_HUB_OFFLINE: '1',
    };
    this.env = { ...process.env, ...own };
  }

  static async open(): Promise<WindowsUser> {
    const user = new WindowsUser(await mkdtemp(join(tmpdir(), 'tabagent-windows-')));
    await mkdir(user.env.TEMP ?? '', { recursive: true });
    await mkdir(user.env.APPDATA ?? '', { recursive: true });
    // Chrome is found by its profile.
    await mkdir(join(user.env.LOCALAPPDATA ?? '', 'Google', 'Chrome', 'User Data'), { recursive: true });
    return user;
  }

  /** The user's profile. */
  get home(): string {
    return join(this.folder, 'Jörg Müller');
  }

  /** The default data folder of the host. */
  get dataFolder(): string {
    return join(this.home, 'AppData', 'Local', 'TabAgent');
  }

  /** Copies the packaged host into a folder with this name. Returns the program. */
  async unpack(name: string): Promise<string> {
    const to = join(this.folder, name);
    await cp(PACKAGE, to, { recursive: true });
    return join(to, 'tabagent-host.exe');
  }

  /** Runs a program and waits for it to exit. */
  async run(
    program: string,
    args: readonly string[],
    { env = {}, verbatim = false, input = '' } = {},
  ): Promise<CommandResult> {
    const child = spawn(program, args, {
      cwd: this.home,
      env: { ...this.env, ...env },
      windowsVerbatimArguments: verbatim,
    });
    child.stdin.end(input);
    return collectOutput(child);
  }

  async close(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true, maxRetries: 20 });
  }
}

/** Returns the default value of a registry key of the user; undefined if there is none. */
export async function registryValue(key: string): Promise<string | undefined> {
  const reg = join(process.env.SystemRoot ?? 'C:\\Windows', 'System32', 'reg.exe');
  const child = spawn(reg, ['query', key, '/ve'], { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  child.stdout.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
  });
  const [code] = await once(child, 'close');
  return code === 0 ? /\sREG_SZ\s+(.*?)\s*$/m.exec(text)?.[1] : undefined;
}

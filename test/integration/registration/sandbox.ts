import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import type { CommandIo } from '../../../host/registration/command.ts';
import type { RunReg } from '../../../host/registration/registry.ts';
import type { Platform } from '../../../manifests/browser.ts';

/** Replaces reg.exe, which exists only on Windows: stores default values, and records every call. */
export class FakeReg {
  readonly calls: (readonly string[])[] = [];
  readonly values = new Map<string, string>();
  /** Keys that cannot be written, as without administrator rights. */
  readonly refused = new Set<string>();

  readonly run: RunReg = async (args) => {
    this.calls.push(args);
    const [verb, key = ''] = args;
    if (verb === 'query') {
      const value = this.values.get(key);
      if (value === undefined) return { code: 1, stdout: '', stderr: 'ERROR: The system was unable to find the key.' };
      return { code: 0, stdout: `\r\n${key}\r\n    (Default)    REG_SZ    ${value}\r\n\r\n`, stderr: '' };
    }
    if (this.refused.has(key)) return { code: 1, stdout: '', stderr: 'ERROR: Access is denied.' };
    if (verb === 'add') this.values.set(key, args[args.indexOf('/d') + 1] ?? '');
    if (verb === 'delete') this.values.delete(key);
    return { code: 0, stdout: '', stderr: '' };
  };
}

/** A folder that serves as the root of a computer with one user's home, and the output of a command. */
export class Sandbox {
  readonly root: string;
  readonly reg = new FakeReg();
  readonly system: Platform;
  out = '';
  err = '';

  private constructor(root: string, system: Platform) {
    this.root = root;
    this.system = system;
  }

  static async open(system: Platform = 'linux'): Promise<Sandbox> {
    const sandbox = new Sandbox(await realpath(await mkdtemp(join(tmpdir(), 'tabagent-registration-'))), system);
    await sandbox.put('opt/node', '');
    await sandbox.put('opt/host/main.js', '');
    await mkdir(sandbox.at('home'));
    return sandbox;
  }

  /** Returns a sandbox that another process opened. */
  static existing(root: string, system: Platform): Sandbox {
    return new Sandbox(root, system);
  }

  /** Returns the absolute path of a path in the sandbox. */
  at(path: string): string {
    return join(this.root, path);
  }

  async put(path: string, contents: string): Promise<string> {
    await mkdir(dirname(this.at(path)), { recursive: true });
    await writeFile(this.at(path), contents);
    return this.at(path);
  }

  read(path: string): Promise<string> {
    return readFile(this.at(path), 'utf8');
  }

  /** Returns all files and folders in the home and the system's folders, sorted. */
  async tree(): Promise<string[]> {
    return (await readdir(this.root, { recursive: true })).filter((path) => !path.startsWith('opt')).sort();
  }

  /** Returns the environment of a command, with this sandbox as its computer. */
  io(more: Partial<CommandIo> = {}): CommandIo {
    this.out = '';
    this.err = '';
    const { system } = this;
    return {
      stdout: {
        write: (text) => {
          this.out += text;
        },
      },
      stderr: {
        write: (text) => {
          this.err += text;
        },
      },
      env: {
        HOME: this.at('home'),
        TABAGENT_HOME: this.at('home/data'),
        LOCALAPPDATA: this.at('home/AppData/Local'),
        APPDATA: this.at('home/AppData/Roaming'),
        ProgramFiles: this.at('Program Files'),
      },
      execPath: this.at('opt/node'),
      mainPath: this.at('opt/host/main.js'),
      machine: { system, root: this.root, paths: posix, reg: this.reg.run },
      ...more,
    };
  }

  async close(): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }
}
